// What each value of a page is part of, and with that its escaping: the parts of a template become steps that
// are ready to be written as code. Layouts come first: what a block is part of, its slot decides.

import { HtmlState, type Language, type ValueContext } from "./html-state.ts";
import type { CodePart, DirectivePart, Part, TextPart, ValuePart } from "./parts.ts";
import { PageMistake } from "./source.ts";
import { type Block, isBlank, type Template } from "./template.ts";

/** Methods of the page's output that make text of a value. */
export type Escape = "html" | "comment" | "url" | "urlPart" | "json" | "string" | "style" | "styleUrl" | "text";

export type Step =
  | { readonly kind: "text"; readonly part: TextPart; readonly awaits: boolean }
  /** The last method is called first. */
  | { readonly kind: "value"; readonly part: ValuePart; readonly escapes: readonly Escape[]; readonly awaits: boolean }
  | { readonly kind: "code"; readonly part: CodePart }
  | { readonly kind: "default"; readonly part: DirectivePart; readonly text: string }
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

export interface Analysis {
  /** Of the outermost template. */
  readonly steps: readonly Step[];
  readonly fillings: readonly Filling[];
}

/** Throws PageMistake where a value cannot be made safe. */
export function analyse(templates: readonly Template[], language: Language): Analysis {
  return new Analyst(templates).run(new HtmlState(language));
}

class Analyst {
  readonly #templates: readonly Template[];
  readonly #fillings: Filling[] = [];
  readonly #used = new Set<Block>();
  readonly #usedBodies = new Set<number>();

  constructor(templates: readonly Template[]) {
    this.#templates = templates;
  }

  run(state: HtmlState): Analysis {
    const outermost = this.#templates.length - 1;
    const template = this.#template(outermost);
    const [slot] = outermost === 0 ? template.body.filter((part) => part.kind === "directive") : [];
    if (slot !== undefined) {
      const hint = "A page with slots is a layout: name it in <%@ layout %> of another, and begin its name with _.";
      throw new PageMistake(slot.file, slot.at, "there is no page around whose parts could stand here", hint);
    }
    const steps = this.#walk([...template.prologue, ...template.body], state, outermost);
    this.#refuseUnused();
    return { steps, fillings: this.#fillings };
  }

  #template(index: number): Template {
    return this.#templates[index] as Template;
  }

  #walk(parts: readonly Part[], start: HtmlState, owner: number): Step[] {
    const walk = new Walk(start);
    for (const [index, part] of parts.entries()) {
      if (part.kind === "directive") walk.slot(part, (at) => this.#fill(part, at, owner));
      else if (part.kind !== "declaration") walk.part(part, parts[index - 1], parts[index + 1]);
    }
    return walk.end();
  }

  /** What the page, or a layout on the way to it, has for a slot. The innermost wins. */
  #fill(slot: DirectivePart, state: HtmlState, layout: number): Filling | string {
    const name = slot.attributes.get("name")?.value;
    const otherwise = slot.attributes.get("default")?.value;
    for (let owner = name === undefined ? layout - 1 : 0; owner < layout; owner += 1) {
      const template = this.#template(owner);
      const block = name === undefined ? undefined : template.blocks.get(name);
      if (name !== undefined && (block === undefined || this.#takenBefore(name, owner, layout))) continue;
      if (block === undefined) this.#usedBodies.add(owner);
      else this.#used.add(block);
      return this.#filling(block?.parts ?? template.body, block?.start ?? beginningOf(template), state, owner, slot);
    }
    if (otherwise !== undefined) return otherwise;
    const { file } = this.#template(0);
    const hint = `Write <%@ block name="${name}" %> … <%@ end %> there, or give the slot a default="…".`;
    throw new PageMistake(slot.file, slot.at, `${file.path} has no block "${name}" for this slot`, hint);
  }

  /** A layout in between has a slot of that name itself. */
  #takenBefore(name: string, owner: number, layout: number): boolean {
    return this.#templates
      .slice(owner + 1, layout)
      .some(({ body, blocks }) => [...body, ...[...blocks.values()].flatMap(({ parts }) => parts)].some(isSlot(name)));
  }

  #filling(
    parts: readonly Part[],
    { file, at }: Beginning,
    state: HtmlState,
    owner: number,
    slot: DirectivePart,
  ): Filling {
    const start = state.clone();
    const steps = this.#walk(parts, state, owner);
    const difference = start.join(state);
    if (difference !== undefined) {
      const what = `what stands in the slot "${slot.attributes.get("name")?.value ?? ""}" begins and ends differently`;
      throw new PageMistake(file, at, `${what}: ${difference}`);
    }
    const filling = { owner, id: this.#fillings.length, at, steps };
    this.#fillings.push(filling);
    return filling;
  }

  #refuseUnused(): void {
    for (const [index, template] of this.#templates.slice(0, -1).entries()) {
      const outer = this.#templates.slice(index + 1);
      for (const [name, block] of template.blocks) {
        const hasSlot = outer.some(({ body, blocks }) =>
          [...body, ...[...blocks.values()].flatMap(({ parts }) => parts)].some(isSlot(name)),
        );
        if (this.#used.has(block) || hasSlot) continue;
        throw new PageMistake(block.start.file, block.start.at, `no layout has a slot "${name}"`);
      }
      const [first] = template.body.filter((part) => part.kind !== "text" || !isBlank(part.text));
      if (this.#usedBodies.has(index) || first === undefined) continue;
      const hint = `Put it into blocks, or <%@ slot %> into ${this.#template(index + 1).file.path}.`;
      throw new PageMistake(first.file, first.at, "the layout has no place for what stands outside of blocks", hint);
    }
  }
}

interface Frame {
  readonly state: HtmlState;
  readonly kind: CodePart["shape"]["opens"][number];
  readonly part: CodePart;
}

/** One way through the parts of a function, with the braces that its code has open. */
class Walk {
  readonly #steps: Step[] = [];
  readonly #frames: Frame[] = [];
  readonly #start: HtmlState;
  readonly #state: HtmlState;

  constructor(state: HtmlState) {
    this.#start = state.clone();
    this.#state = state;
  }

  part(part: Exclude<Part, DirectivePart>, before: Part | undefined, after: Part | undefined): void {
    switch (part.kind) {
      case "text":
        if (isBlank(part.text) && isBetween(before, after)) return;
        this.#state.feed(part.text);
        this.#steps.push({ kind: "text", part, awaits: this.#awaits() });
        return;
      case "value":
        this.#value(part);
        return;
      case "code":
        this.#code(part);
    }
  }

  slot(part: DirectivePart, fill: (state: HtmlState) => Filling | string): void {
    if (!this.#awaits())
      throw new PageMistake(part.file, part.at, "a slot cannot stand in a function that is not async");
    const filled = fill(this.#state);
    if (typeof filled !== "string") {
      this.#steps.push({ kind: "call", part, filling: filled });
      return;
    }
    this.#state.feed(filled);
    this.#steps.push({ kind: "default", part, text: filled });
  }

  end(): Step[] {
    const [open] = this.#frames;
    if (open !== undefined) {
      throw new PageMistake(
        open.part.file,
        open.part.at,
        "a brace that this code opens is not closed",
        "Write <% } %>.",
      );
    }
    return this.#steps;
  }

  #value(part: ValuePart): void {
    const awaits = this.#awaits();
    if (part.raw) {
      this.#state.value(true);
      this.#steps.push({ kind: "value", part, escapes: ["text"], awaits });
      return;
    }
    const context = this.#state.context();
    if (context.kind === "none") {
      throw new PageMistake(part.file, part.at, `a value cannot stand ${context.what}`, context.hint);
    }
    this.#state.value(false);
    this.#steps.push({ kind: "value", part, escapes: escapesFor(context), awaits });
  }

  #code(part: CodePart): void {
    const { file, at, shape } = part;
    if (shape.isBraceless) {
      const hint = "Write { at its end, and <% } %> where it ends.";
      throw new PageMistake(file, at, "this code goes on in the page's text without a brace", hint);
    }
    for (let closes = shape.closes; closes > 0; closes -= 1) this.#close(part);
    this.#checkJumps(part);
    for (const kind of shape.opens) this.#frames.push({ state: this.#state.clone(), kind, part });
    this.#steps.push({ kind: "code", part });
  }

  #close(part: CodePart): void {
    const frame = this.#frames.pop();
    if (frame === undefined) throw new PageMistake(part.file, part.at, "a brace is closed that no code has opened");
    const difference = this.#state.join(frame.state);
    if (difference === undefined) return;
    const hint = "Write whole tags and whole attributes between the braces.";
    const message = `the text between the braces begins and ends differently: ${difference}`;
    throw new PageMistake(part.file, part.at, message, hint);
  }

  #checkJumps({ file, at, shape }: CodePart): void {
    if (shape.jumps === "none") return;
    const targets = this.#frames.map(({ state }) => state);
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

function escapesFor({ kind, attribute }: Exclude<ValueContext, { kind: "none" }>): Escape[] {
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

function isSlot(name: string): (part: Part) => boolean {
  return (part) => part.kind === "directive" && part.attributes.get("name")?.value === name;
}

type Beginning = Pick<Part, "file" | "at">;

function beginningOf({ body, file }: Template): Beginning {
  return body[0] ?? { file, at: 0 };
}
