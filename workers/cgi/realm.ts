// A fresh set of globals for each run of a script (node:vm). It keeps one run's globals, and what it does
// to built-in prototypes, from the next one. It is no sandbox: what is shared is shared, and reachable.

import { Console } from "node:console";
import vm from "node:vm";
import type { ScriptRun } from "./script-run.ts";

/** Globals of Node's, by name, that a fresh context does not have. */
let names: readonly string[] | undefined;

/** A Buffer has to be a Uint8Array also in there. */
const BINARY = Object.getOwnPropertyNames(globalThis).filter(
  (name) => /^(?:ArrayBuffer|SharedArrayBuffer|DataView|\w+Array)$/.test(name) && name !== "Array",
);

/** An error that Node throws has to be an Error also in there. */
const ERRORS = `for (const name of ["Error", "TypeError", "RangeError", "SyntaxError", "ReferenceError", "EvalError", "URIError", "AggregateError"]) {
  const own = globalThis[name], outer = outerErrors[name], isInstance = Function.prototype[Symbol.hasInstance];
  Object.defineProperty(own, Symbol.hasInstance, { configurable: true, writable: true,
    value(value) { return isInstance.call(this, value) || (this === own && isInstance.call(outer, value)); } });
}`;
const bridge = new vm.Script(`(outerErrors) => { ${ERRORS} }`, { filename: "holdfast:realm" });

/** The contextified global object of a run. */
export function makeRealm(run: ScriptRun): vm.Context {
  const realm = vm.createContext(vm.constants.DONT_CONTEXTIFY) as vm.Context & Record<string, unknown>;
  names ??= Object.getOwnPropertyNames(globalThis).filter((name) => !(name in realm));
  for (const name of names) {
    const { enumerable = false } = Object.getOwnPropertyDescriptor(globalThis, name) ?? {};
    // Looked up when it is used: many of them load a part of Node.
    Object.defineProperty(realm, name, {
      configurable: true,
      enumerable,
      get: () => Reflect.get(globalThis, name),
      set(value: unknown) {
        Object.defineProperty(realm, name, { value, configurable: true, enumerable, writable: true });
      },
    });
  }
  for (const name of BINARY) define(realm, name, Reflect.get(globalThis, name));
  define(realm, "global", realm);
  define(realm, "process", run.process);
  define(realm, "console", new Console({ stdout: run.stdout, stderr: process.stderr }));
  bridge.runInContext(realm)(globalThis);
  return realm;
}

function define(realm: vm.Context, name: string, value: unknown): void {
  Object.defineProperty(realm, name, { value, configurable: true, enumerable: false, writable: true });
}
