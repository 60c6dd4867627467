// A line of the log for people: time, level, message, then what belongs to it; a stack below.

import { harmlessText } from "./escape.ts";

/** Fields begin in this column where the message leaves room, so that they stand below each other. */
const MESSAGE_WIDTH = 36;

const COLOURS = { error: 31, warn: 33, info: 32, debug: 36 } as const;
const DIM = 2;

type Paint = (code: number, text: string) => string;

const paint: Paint = (code, text) => (text === "" ? "" : `\u001b[${code}m${text}\u001b[0m`);
const leave: Paint = (_code, text) => text;

/** `line` is one JSON object as the log writes it; the result ends with a newline. */
export function prettyLine(line: string, colours: boolean): string {
  const { level, time, msg, stack, hint, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const dye = colours ? paint : leave;
  const label = String(level);
  const rest = Object.entries(fields)
    .map(([name, value]) => `${harmlessText(name)}=${shown(value)}`)
    .join(" ");
  const message = harmlessText(String(msg));
  const head = `${dye(DIM, String(time).slice(11, 23))} ${dye(COLOURS[label as keyof typeof COLOURS] ?? DIM, label.padEnd(5))} `;
  const padded = rest === "" ? message : `${message.padEnd(MESSAGE_WIDTH)} ${dye(DIM, rest)}`;
  return `${head}${padded}\n${below(hint)}${below(stack)}`;
}

/** Quoted only where it would be misread. */
function shown(value: unknown): string {
  if (typeof value !== "string") return harmlessText(JSON.stringify(value) ?? "undefined");
  const text = harmlessText(value);
  return /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}

function below(value: unknown): string {
  if (typeof value !== "string" || value === "") return "";
  return value
    .split("\n")
    .map((line) => `    ${harmlessText(line)}\n`)
    .join("");
}
