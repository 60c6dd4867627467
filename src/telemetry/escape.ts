// What a log shows was often chosen by a stranger. Nothing of it may begin a line of its own, move a
// terminal's cursor, or turn the order of the text around it.

/** Legal inside of a JSON string, and dangerous where the line is shown: DEL, C1, line separators, bidirectional controls. */
const IN_JSON = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
/** The same in plain text, where C0 is not escaped yet. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
const IN_TEXT = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A line of JSON in which every such character is written as \uXXXX; it still parses to the same. */
export function harmlessJson(line: string): string {
  return line.replace(IN_JSON, escapeUnicode);
}

/** Text for a person; line breaks and tabs are escaped too. */
export function harmlessText(text: string): string {
  return text.replace(IN_TEXT, escapeUnicode);
}

function escapeUnicode(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** What a line of Apache's access log escapes: quote, backslash, and all that is not printable ASCII. */
const IN_ITEM = /[^\x20-\x21\x23-\x5b\x5d-\x7e]/g;
const NAMED: Readonly<Record<string, string>> = {
  "\b": "\\b",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

/** One item of an access log as Apache writes it (ap_escape_logitem); `value` has one char per byte. */
export function escapeItem(value: string): string {
  return value.replace(IN_ITEM, (char) => NAMED[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
