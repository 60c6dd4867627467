// What each value of a page is part of, and with that its escaping: the parts of a template become steps that
// are ready to be written as code. Layouts come first: what a block is part of, its slot decides.

import { HtmlState, type Language } from "./html-state.ts";
import { type DirectivePart, isBlank, type Part } from "./parts.ts";
import { PageMistake } from "./source.ts";
import type { Block, Template } from "./template.ts";
import { type Filling, type Step, Walk } from "./walk.ts";

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
    const { steps } = this.#walk([...template.prologue, ...template.body], state, outermost);
    this.#refuseUnused();
    return { steps, fillings: this.#fillings };
  }

  #template(index: number): Template {
    return this.#templates[index] as Template;
  }

  #walk(parts: readonly Part[], start: HtmlState, owner: number): ReturnType<Walk["through"]> {
    return new Walk(start, (slot, state) => this.#fill(slot, state, owner)).through(parts);
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
    const { steps, state: end } = this.#walk(parts, state.clone(), owner);
    const difference = state.join(end);
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

function isSlot(name: string): (part: Part) => boolean {
  return (part) => part.kind === "directive" && part.attributes.get("name")?.value === name;
}

type Beginning = Pick<Part, "file" | "at">;

function beginningOf({ body, file }: Template): Beginning {
  return body[0] ?? { file, at: 0 };
}
