import { ReloadQueue } from "../../src/supervisor/reload-queue.ts";
import type { ReloadScope } from "../../src/supervisor/reload-scope.ts";

describe("reloads that are asked for in a burst", () => {
  let begun: { scope: ReloadScope; end: (result: string) => void; fail: (error: Error) => void }[];
  let queue: ReloadQueue<string>;
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  beforeEach(() => {
    begun = [];
    queue = new ReloadQueue((scope) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      begun.push({ scope, end: resolve, fail: reject });
      return promise;
    });
  });

  it("are the first one, and one more for all that came while it ran", async () => {
    const first = queue.request("all");
    const others = Array.from({ length: 24 }, () => queue.request("all"));
    expect(begun.length).toBe(1);
    begun[0]?.end("first");
    expect(await first).toBe("first");
    await turn();
    expect(begun.length).toBe(2);
    begun[1]?.end("second");
    expect(await Promise.all(others)).toEqual(others.map(() => "second"));
    await turn();
    expect(begun.length).toBe(2);
  });

  it("renew together what each of them asked for", async () => {
    void queue.request("all");
    void queue.request({ changed: false, pools: ["www"] });
    void queue.request({ changed: true, pools: [] });
    begun[0]?.end("");
    await turn();
    expect(begun[1]?.scope).toEqual({ changed: true, pools: ["www"] });
  });

  it("are each told of their own failure, and go on", async () => {
    const first = queue.request("all");
    const second = queue.request("all");
    begun[0]?.fail(new Error("broken"));
    await expect(first).rejects.toThrow("broken");
    await turn();
    begun[1]?.end("mended");
    expect(await second).toBe("mended");
  });
});
