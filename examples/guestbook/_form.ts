// Reads the form and says what is wrong with it. Nothing of what a visitor sends is trusted before this.

export const NAME_LIMIT = 60;
export const MESSAGE_LIMIT = 600;
/** Both fields at four bytes a character, each byte written as %XX, and the field names. */
const BODY_LIMIT_BYTES = (NAME_LIMIT + MESSAGE_LIMIT) * 4 * 3 + 100;

export interface Draft {
  readonly name: string;
  readonly message: string;
}

/** The form's fields, tidied; undefined when the body is no form or is longer than any form can be. */
export async function readDraft(request: Request): Promise<Draft | undefined> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded *(;|$)/i.test(type)) return undefined;
  const body = await readText(request, BODY_LIMIT_BYTES);
  if (body === undefined) return undefined;
  const fields = new URLSearchParams(body);
  return {
    name: tidy(fields.get("name") ?? "").replace(/\s+/g, " "),
    message: tidy(fields.get("message") ?? "").replace(/\n{3,}/g, "\n\n"),
  };
}

/** What the visitor should change, or undefined if all is well. */
export function objection({ name, message }: Draft): string | undefined {
  if (name === "") return "Please write your name.";
  if (message === "") return "Please write a message.";
  if ([...name].length > NAME_LIMIT) return `Please write a name of at most ${NAME_LIMIT} characters.`;
  if ([...message].length > MESSAGE_LIMIT) return `Please write a message of at most ${MESSAGE_LIMIT} characters.`;
  return undefined;
}

async function readText(request: Request, limitBytes: number): Promise<string | undefined> {
  if (Number(request.headers.get("content-length") ?? 0) > limitBytes) return undefined;
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > limitBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** One line ending, no control characters, and none that turn the direction of the text around them. */
function tidy(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/gu, "")
    .normalize("NFC")
    .trim();
}
