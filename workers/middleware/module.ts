// What a `_middleware.ts` exports → the phases that it takes part in. It guards a folder: whatever is
// exported and cannot be a phase keeps it from loading, or a misspelt `acess` would open the folder.

import type { InitContext } from "../../src/app/context.ts";
import { Fault } from "../../src/base/fault.ts";
import type { ModuleExports } from "../kinds/index.ts";
import { defaultOf, disposeState, isClass } from "../kinds/module.ts";

/** In the order in which they run. */
export const PHASES = [
  "begin",
  "access",
  "authenticate",
  "authorize",
  "fixup",
  "filterRequest",
  "wrap",
  "filterResponse",
  "log",
  "cleanup",
] as const;
export type PhaseName = (typeof PHASES)[number];

type AnyFunction = (...args: unknown[]) => unknown;

export interface LoadedMiddleware {
  /** Absolute path of its module. */
  readonly file: string;
  /** What its `init` resolved to. */
  readonly state: unknown;
  readonly phases: Readonly<Partial<Record<PhaseName, AnyFunction>>>;
  dispose(): Promise<void>;
}

const LIFE = ["init", "dispose"] as const;
const KNOWN: ReadonlySet<string> = new Set([...PHASES, ...LIFE]);
const HINT = `A middleware exports a function as default (it is \`wrap\`), or functions named ${PHASES.join(", ")}; and init, dispose. Keep other functions in other files.`;

/** Rejects with Fault BOOT where the module is no middleware, and with what its `init` threw. */
export async function middlewareModule(exports: ModuleExports, init: InitContext): Promise<LoadedMiddleware> {
  const { file } = init;
  const found = functionsOf(file, exports);
  const phases: Partial<Record<PhaseName, AnyFunction>> = {};
  for (const name of PHASES) {
    const phase = found.get(name);
    if (phase !== undefined) phases[name] = phase;
  }
  if (Object.keys(phases).length === 0) throw new Fault("BOOT", `${file} exports no phase`, { hint: HINT });
  const state: unknown = await found.get("init")?.(init);
  return {
    file,
    state,
    phases,
    async dispose() {
      const dispose = found.get("dispose");
      if (dispose !== undefined) await dispose(state);
      else await disposeState(state);
    },
  };
}

function functionsOf(file: string, exports: ModuleExports): Map<string, AnyFunction> {
  const found = new Map<string, AnyFunction>();
  const take = (name: string, value: unknown, holder: unknown): void => {
    if (found.has(name)) throw new Fault("BOOT", `${file} exports ${name} twice`, { hint: HINT });
    found.set(name, (...args) => Reflect.apply(value as AnyFunction, holder, args));
  };
  const main = defaultOf(exports);
  if (typeof main === "function") {
    if (isClass(main)) throw new Fault("BOOT", `${file} exports a class`, { hint: HINT });
    take("wrap", main, undefined);
  } else if (typeof main === "object" && main !== null) {
    for (const [name, value] of ownAndInherited(main)) {
      if (!KNOWN.has(name) || typeof value !== "function") throw notAPhase(file, name);
      take(name, value, main);
    }
  } else if (main !== undefined) {
    throw new Fault("BOOT", `the default export of ${file} is no middleware`, { hint: HINT });
  }
  for (const [name, value] of Object.entries(exports)) {
    // CommonJS modules repeat themselves as `module.exports`.
    if (name === "default" || name === "module.exports" || name === "__esModule") continue;
    const isFunction = typeof value === "function";
    if (isFunction !== KNOWN.has(name)) throw notAPhase(file, name);
    if (isFunction && value !== (main as Record<string, unknown> | undefined)?.[name]) take(name, value, exports);
  }
  return found;
}

/** Of an instance of a class the methods, too; not its fields, which are its own affair. */
function ownAndInherited(holder: object): [string, unknown][] {
  const prototype: unknown = Object.getPrototypeOf(holder);
  if (prototype === Object.prototype || prototype === null) return Object.entries(holder);
  const named = [...KNOWN].map((name): [string, unknown] => [name, Reflect.get(holder, name)]);
  return named.filter(([, value]) => value !== undefined);
}

function notAPhase(file: string, name: string): Fault {
  const what = KNOWN.has(name) ? `${name}, which is no function` : `${name}, which is no phase`;
  return new Fault("BOOT", `${file} exports ${what}`, { hint: HINT });
}
