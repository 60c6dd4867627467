import { type Context, defineHandler, type StateOf } from "../../src/index.ts";

// What matters here is that it compiles: each line fails the build if the types say otherwise.
const inferred = defineHandler({
  init: async (worker) => ({ pool: worker.pool.toUpperCase(), hits: 0 }),
  fetch(_request, ctx) {
    ctx.state.hits += 1;
    // @ts-expect-error: init returns no such thing
    ctx.state.nothing;
    ctx.waitUntil(Promise.resolve());
    return new Response(`${ctx.state.pool} ${ctx.state.hits} ${ctx.worker.requests}`);
  },
  dispose(state) {
    state.hits = 0;
  },
});

async function init(): Promise<{ n: number }> {
  return { n: 1 };
}
const byInit: StateOf<typeof init> = { n: 2 };
const unnamed = (_request: Request, ctx: Context): unknown => ctx.state.anything.goes;
const named = (_request: Request, ctx: Context<typeof init>): number => ctx.state.n;

describe("defineHandler", () => {
  it("types ctx.state by init, and returns the module that it was given", () => {
    const module = { fetch: () => new Response("x") };
    expect(defineHandler(module)).toBe(module);
    expect(typeof inferred.dispose).toBe("function");
  });
});

describe("Context", () => {
  it("takes the state's type, the type of init, or none", () => {
    expect([byInit.n, unnamed.length, named.length]).toEqual([2, 2, 2]);
  });
});
