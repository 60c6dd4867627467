import { CgiOutput } from "../../../workers/cgi/output.ts";

function setUp(limitBytes = Number.POSITIVE_INFINITY): { output: CgiOutput; unwanted: () => number } {
  let unwanted = 0;
  const output = new CgiOutput({ name: "x.js", limitBytes, unwanted: () => unwanted++ });
  return { output, unwanted: () => unwanted };
}

const HEAD = Buffer.from("Content-Type: text/plain\n\n");

describe("what a CGI program prints", () => {
  it.each([
    ["Content-Type: text/plain\n\nbody", 200, "body"],
    ["Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nbody", 404, "body"],
    ["Location: /x\n\n", 302, ""],
    ["Status: 204 No Content\n\nnot sent", 204, ""],
  ])("%j is a response [RFC 3875 §6], however it is cut", async (printed, status, body) => {
    const { output } = setUp();
    for (const byte of Buffer.from(printed)) output.write(Buffer.of(byte));
    output.end();
    const response = await output.response;
    expect([response.status, await response.text()]).toEqual([status, body]);
  });

  it.each([
    ["", /printed nothing/],
    ["hello\n", /ended without a whole header block; it printed "hello/],
    ["hello\n\nworld", /printed a CGI response with the line "hello"/],
    ["Status: many\n\n", /status "many"/],
    [`X: ${"y".repeat(70_000)}`, /a head of over/],
  ])("%.20j is refused in words that help", async (printed, words) => {
    const { output } = setUp();
    output.write(Buffer.from(printed));
    output.end();
    await expect(output.response).rejects.toMatchObject({ code: "HANDLER", message: expect.stringMatching(words) });
  });

  it("waits for whoever takes it, in bounded memory", async () => {
    const { output } = setUp();
    expect(output.write(HEAD)).toBeUndefined();
    const full = output.write(Buffer.alloc(200_000));
    let mayGoOn = false;
    void full?.then(() => {
      mayGoOn = true;
    });
    const reader = (await output.response).body?.getReader();
    expect([full !== undefined, mayGoOn]).toEqual([true, false]);
    await reader?.read();
    await full;
    expect(mayGoOn).toBe(true);
  });

  it("is ended when nobody wants the rest, or when it is too much", async () => {
    const left = setUp();
    left.output.write(HEAD);
    await (await left.output.response).body?.cancel();
    expect([left.unwanted(), left.output.write(Buffer.alloc(200_000))]).toEqual([1, undefined]);
    const much = setUp(100);
    much.output.write(HEAD);
    const body = (await much.output.response).text();
    much.output.write(Buffer.alloc(100));
    await expect(body).rejects.toMatchObject({ message: expect.stringContaining("cgi.output_limit") });
    expect(much.unwanted()).toBe(1);
  });
});
