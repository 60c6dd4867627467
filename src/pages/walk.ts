// One way through the parts of a page, with the braces that its code has open. What stands between braces must
// leave the HTML where it found it, because nobody knows here which branch is taken, or how often.

import type { HtmlState } from "./html-state.ts";
import { type CodePart, type DirectivePart, isBlank, type Part, type TextPart, type ValuePart } from "./parts.ts";
import { PageMistake } from "./source.ts";
import type { ValueContext } from "./value-context.ts";

/** Methods of the page's output that make text of a value. */
export type Escape =
  | "html"
  | "comment"
  | "url"
  | "urlPart"
  | "urlPath"
  | "urlList"
  | "refresh"
  | "json"
  | "string"
  | "style"
  | "styleUrl"
  | "text";

export type Step =
  | { readonly kind: "text"; readonly part: TextPart; readonly awaits: boolean }
  /** The last method is called first. */
  | { readonly kind: "value"; readonly part: ValuePart; readonly escapes: readonly Escape[]; readonly awaits: boolean }
  | { readonly kind: "code"; readonly part: CodePart }
  /** A slot that nothing fills. */
  | { readonly kind: "default"; readonly part: DirectivePart; readonly text: string; readonly awaits: true }
  | { readonly kind: "call"; readonly part: DirectivePart; readonly filling: Filling };

/** What stands in a slot of the layout around it. */
export interface Filling {
  /** Which template it comes from; 0 is the page. */
  readonly owner: number;
  readonly id: number;
  /** Where it begins in its file. */
  readonly at: number;
  readonly steps: readonly Step[];
}

/** Finds what stands in a slot, and moves the state past it; a text is the slot's own. */
export type Fill = (slot: DirectivePart, state: HtmlState) => Filling | string;

type Context = Exclude<ValueContext, { kind: "none" }>;

interface Frame {
  readonly kind: CodePart["shape"]["opens"][number];
  readonly part: CodePart;
  /** Where it was opened. */
  readonly opened: HtmlState;
  /** Where other branches and cases have ended. */
  readonly ends: HtmlState[];
  /** How many parts had been seen. */
  readonly from: number;
}

export class Walk {
  readonly #steps: Step[] = [];
  readonly #frames: Frame[] = [];
  /** What was walked through, to be done again where it is repeated. */
  readonly #seen: Part[] = [];
  readonly #start: HtmlState;
  readonly #fill: Fill;
  #state: HtmlState;
  /** Closed by the code before, with nothing in between: an `else` belongs to it. */
  #closed: Pick<Frame, "opened" | "ends"> | undefined;
  /** The code before has left the block, whatever happens. */
  #left = false;

  constructor(state: HtmlState, fill: Fill) {
    this.#start = state.clone();
    this.#state = state;
    this.#fill = fill;
  }

  /** Declarations are left out. Throws PageMistake. */
  through(parts: readonly Part[]): { readonly steps: readonly Step[]; readonly state: HtmlState } {
    for (const [index, part] of parts.entries()) this.#part(part, parts[index - 1], parts[index + 1]);
    const [open] = this.#frames;
    if (open !== undefined) {
      const hint = "Write <% } %>.";
      throw new PageMistake(open.part.file, open.part.at, "a brace that this code opens is not closed", hint);
    }
    return { steps: this.#steps, state: this.#state };
  }

  #part(part: Part, before: Part | undefined, after: Part | undefined): void {
    switch (part.kind) {
      case "text":
        if (isBlank(part.text) && isBetween(before, after)) return;
        if (!isBlank(part.text)) this.#moved();
        this.#state.feed(part.text);
        this.#steps.push({ kind: "text", part, awaits: this.#awaits() });
        this.#seen.push(part);
        return;
      case "value":
        this.#value(part);
        return;
      case "code":
        this.#code(part);
        return;
      case "directive":
        this.#slot(part);
        return;
      case "declaration":
        return;
    }
  }

  #moved(): void {
    this.#closed = undefined;
    this.#left = false;
  }

  #slot(part: DirectivePart): void {
    this.#moved();
    if (!this.#awaits()) {
      throw new PageMistake(part.file, part.at, "a slot cannot stand in a function that is not async");
    }
    const filled = this.#fill(part, this.#state);
    if (typeof filled === "string") {
      this.#state.feed(filled);
      this.#steps.push({ kind: "default", part, text: filled, awaits: true });
    } else this.#steps.push({ kind: "call", part, filling: filled });
    this.#seen.push(part);
  }

  #value(part: ValuePart): void {
    this.#moved();
    const awaits = this.#awaits();
    if (part.raw) {
      this.#state.value(true);
      this.#steps.push({ kind: "value", part, escapes: ["text"], awaits });
      this.#seen.push(part);
      return;
    }
    const context = this.#state.context();
    if (context.kind === "none") {
      throw new PageMistake(part.file, part.at, `a value cannot stand ${context.what}`, context.hint);
    }
    this.#state.value(false);
    this.#steps.push({ kind: "value", part, escapes: escapesFor(context), awaits });
    this.#seen.push(part);
  }

  #code(part: CodePart): void {
    const { file, at, shape } = part;
    if (shape.isBraceless) {
      const hint = "Write { at its end, and <% } %> where it ends.";
      throw new PageMistake(file, at, "this code goes on in the page's text without a brace", hint);
    }
    for (let closes = shape.closes; closes > 0; closes -= 1) this.#close(part);
    this.#checkJumps(part);
    const around = this.#frames.at(-1);
    if (shape.hasLabels && around?.kind === "switch") this.#label(part, around);
    const before = shape.continues ? this.#closed : undefined;
    this.#moved();
    for (const [index, kind] of shape.opens.entries()) {
      if (index === 0 && before !== undefined) this.#state = before.opened.clone();
      const ends = index === 0 && before !== undefined ? before.ends : [];
      this.#frames.push({ kind, part, opened: this.#state.clone(), ends, from: this.#seen.length });
    }
    if (shape.opens.length === 0 && shape.closes > 0) this.#closed = this.#lastClosed;
    this.#left = shape.leaves;
    this.#steps.push({ kind: "code", part });
    this.#seen.push(part);
  }

  #lastClosed: Pick<Frame, "opened" | "ends"> | undefined;

  #close(part: CodePart): void {
    const frame = this.#frames.pop();
    if (frame === undefined) throw new PageMistake(part.file, part.at, "a brace is closed that no code has opened");
    const { opened, ends } = frame;
    ends.push(this.#state);
    const joined = opened.clone();
    for (const end of ends) {
      const difference = joined.join(end.clone());
      if (difference === undefined) continue;
      const hint = "Write whole tags and whole attributes between the braces.";
      const message = `the text between the braces begins and ends differently: ${difference}`;
      throw new PageMistake(part.file, part.at, message, hint);
    }
    if (frame.part.shape.repeats && !joined.equals(opened)) this.#again(frame.from, joined);
    this.#state = joined;
    this.#closed = { opened, ends };
    this.#lastClosed = this.#closed;
  }

  /** The second time round begins where the first has ended. The values must be safe then, too. */
  #again(from: number, state: HtmlState): void {
    const seen = this.#seen.slice(from);
    const walk = new Walk(state.clone(), (slot) => {
      throw new PageMistake(slot.file, slot.at, "this slot is part of something else each time it is repeated");
    });
    for (const [index, part] of seen.entries()) walk.#part(part, seen[index - 1], seen[index + 1]);
  }

  /** `case` and `default` are reached from the switch itself, and from above unless that has left. */
  #label(part: CodePart, frame: Frame): void {
    if (this.#left || part.shape.leaves) {
      frame.ends.push(this.#state);
      this.#state = frame.opened.clone();
      return;
    }
    const difference = this.#state.join(frame.opened.clone());
    if (difference === undefined) return;
    const hint = "Write whole tags and whole attributes into each case.";
    throw new PageMistake(part.file, part.at, `the text of the cases begins and ends differently: ${difference}`, hint);
  }

  #checkJumps({ file, at, shape }: CodePart): void {
    if (shape.jumps === "none") return;
    const targets = this.#frames.map(({ opened }) => opened);
    if (shape.jumps === "page") targets.push(this.#start);
    for (const target of targets) {
      const difference = this.#state.clone().join(target.clone());
      if (difference === undefined) continue;
      const word = shape.jumps === "page" ? "return" : "break or continue";
      throw new PageMistake(file, at, `${word} would leave the text half written: ${difference}`);
    }
  }

  /** Whether the innermost function around may wait. */
  #awaits(): boolean {
    return this.#frames.findLast(({ kind }) => kind === "sync" || kind === "async")?.kind !== "sync";
  }
}

function escapesFor({ kind, attribute }: Context): Escape[] {
  switch (kind) {
    case "html":
      return ["html"];
    case "comment":
      return ["comment"];
    case "plain":
      return ["text"];
    case "url":
      return ["html", "url"];
    case "url-part":
      return ["html", "urlPart"];
    case "url-path":
      return ["html", "urlPath"];
    case "url-list":
      return ["html", "urlList"];
    case "refresh":
      return ["html", "refresh"];
    case "code":
      return attribute ? ["html", "json"] : ["json"];
    case "string":
      return attribute ? ["html", "string"] : ["string"];
    case "style":
      return attribute ? ["html", "style"] : ["style"];
    case "style-url":
      return attribute ? ["html", "styleUrl"] : ["styleUrl"];
  }
}

/** White space where no statement may be: before the first case, and between a block and its else. */
function isBetween(before: Part | undefined, after: Part | undefined): boolean {
  if (before?.kind !== "code") return false;
  if (before.shape.opens.at(-1) === "switch" && before.shape.last === "{") return true;
  return after?.kind === "code" && before.shape.last === "}" && isContinuation(after.shape.first);
}

export function isContinuation(first: string): boolean {
  return first === "else" || first === "catch" || first === "finally";
}
