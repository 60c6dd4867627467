// `using` and `await using` on a Node that does not know the syntax (below 24). The transpiler
// writes `const ctx = usingCtx(); try { ctx.u(value) … } catch (e) { ctx.e = e } finally { ctx.d() }`,
// with `ctx.a` and `await ctx.d()` for the asynchronous form. [ECMAScript, explicit resource management]

type Dispose = () => unknown;
type Step = { readonly dispose: Dispose | undefined; readonly isAsync: boolean };

const ABSENT = Symbol("no error");

export default function usingCtx(): {
  e: unknown;
  u: <Value>(value: Value) => Value;
  a: <Value>(value: Value) => Value;
  d: () => unknown;
} {
  const steps: Step[] = [];
  let error: unknown = ABSENT;

  const take = <Value>(value: Value, isAsync: boolean): Value => {
    if (value === null || value === undefined) {
      if (isAsync) steps.push({ dispose: undefined, isAsync });
      return value;
    }
    steps.push({ dispose: disposerOf(value, isAsync), isAsync });
    return value;
  };

  const fail = (next: unknown): void => {
    error = error === ABSENT ? next : suppress(next, error);
  };

  const finish = (): unknown => {
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      try {
        const result = step.dispose?.();
        if (step.isAsync) {
          return Promise.resolve(result).then(finish, (reason: unknown) => {
            fail(reason);
            return finish();
          });
        }
      } catch (reason) {
        fail(reason);
      }
    }
    if (error !== ABSENT) throw error;
    return undefined;
  };

  return {
    set e(reason: unknown) {
      error = reason;
    },
    get e() {
      return error === ABSENT ? undefined : error;
    },
    u: (value) => take(value, false),
    a: (value) => take(value, true),
    d: finish,
  };
}

function disposerOf(value: unknown, isAsync: boolean): Dispose {
  const holder = Object(value) as Record<symbol, unknown>;
  const found = (isAsync ? holder[Symbol.asyncDispose] : undefined) ?? holder[Symbol.dispose];
  if (typeof found !== "function") {
    throw new TypeError(`the value of a \`using\` declaration has no Symbol.${isAsync ? "asyncDispose" : "dispose"}`);
  }
  return () => (found as Dispose).call(value);
}

/** SuppressedError came together with the syntax. */
function suppress(error: unknown, suppressed: unknown): Error {
  return Object.assign(new Error("an error was suppressed while disposing"), {
    name: "SuppressedError",
    error,
    suppressed,
  });
}
