import { escapeItem, harmlessJson, harmlessText } from "../../src/telemetry/escape.ts";
import { createLog, formatLine } from "../../src/telemetry/log.ts";

/** What strangers send to forge lines, move the cursor or turn text around. */
const HOSTILE = [
  'x\n{"level":"error","msg":"forged"}',
  "x\r\nforged",
  "\u001b[2J\u001b]0;title\u0007",
  "\u009b31m",
  "line\u2028separator\u2029",
  "\u202egnp.exe\u202c",
  "\u2066isolated\u2069\u200f",
  "\u0000\u007f",
];

describe("a line of the log in JSON", () => {
  it.each(HOSTILE)("is one line of harmless characters and parses to what was said: %j", (text) => {
    const lines: string[] = [];
    createLog("json", "info", (line) => lines.push(line)).info(text, { [text]: text });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[^\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*\n$/u);
    const parsed = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
    expect(parsed).toMatchObject({ level: "info", msg: text, [text]: text });
    expect(parsed.time).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it("is written from its level on", () => {
    const lines: string[] = [];
    const log = createLog("json", "warn", (line) => lines.push(line));
    log.info("no");
    log.with({ pool: "www" }).warn("yes");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: "warn", msg: "yes", pool: "www" }]);
  });
});

describe("a line of the log for people", () => {
  const line = (fields: object): string => {
    const start = { level: "warn", time: "2026-11-22T10:20:30.456Z", msg: "request refused" };
    return `${JSON.stringify({ ...start, ...fields })}\n`;
  };

  it("shows time, level and message, then the fields in a column", () => {
    expect(formatLine(line({ pool: "www", status: 503, reason: "the queue is full" }), "pretty")).toBe(
      '10:20:30.456 warn  request refused                      pool=www status=503 reason="the queue is full"\n',
    );
    expect(formatLine(line({}), "pretty")).toBe("10:20:30.456 warn  request refused\n");
  });

  it("shows hint and stack below it", () => {
    expect(formatLine(line({ hint: "raise queue.max", stack: "Error: x\n    at a.ts:1:2" }), "pretty")).toBe(
      "10:20:30.456 warn  request refused\n    raise queue.max\n    Error: x\n        at a.ts:1:2\n",
    );
  });

  it("is coloured only where that was asked for", () => {
    expect(formatLine(line({}), "pretty", true)).toContain("\u001b[33mwarn \u001b[0m");
    expect(formatLine(line({ a: 1 }), "pretty")).not.toContain("\u001b");
  });

  it.each(HOSTILE)("shows no character of a stranger as it is: %j", (text) => {
    const shown = formatLine(line({ msg: text, uri: text, [text]: 1, list: [text] }), "pretty");
    expect(shown).toMatch(/^[^\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*\n$/u);
  });
});

describe("escaping", () => {
  it("leaves what is harmless as it is", () => {
    const text = "GET /straße?q=1 – 100 % 日本 😀";
    expect(harmlessText(text)).toBe(text);
    expect(harmlessJson(JSON.stringify(text))).toBe(JSON.stringify(text));
  });

  it("writes items of an access log as Apache does (ap_escape_logitem)", () => {
    expect(escapeItem('a"b\\c\n\r\t\b\v\u0000\u001b\u007f\u00e9 ~')).toBe(
      'a\\"b\\\\c\\n\\r\\t\\b\\v\\x00\\x1b\\x7f\\xe9 ~',
    );
  });
});
