import { Limit } from "../../../workers/cgi/limit.ts";

describe("the number of programs at once", () => {
  const never = new AbortController().signal;

  it("is kept, and who waits comes in order", async () => {
    const limit = new Limit(2);
    const log: string[] = [];
    const ends: (() => void)[] = [];
    const runs = ["a", "b", "c", "d"].map((name) =>
      limit.run(never, async () => {
        log.push(name);
        await new Promise<void>((resolve) => ends.push(resolve));
      }),
    );
    expect(log).toEqual(["a", "b"]);
    ends[0]?.();
    await runs[0];
    expect(log).toEqual(["a", "b", "c"]);
    ends[1]?.();
    await runs[1];
    expect(log).toEqual(["a", "b", "c", "d"]);
    for (const end of ends) end();
    await Promise.all(runs);
  });

  it("is waited for only as long as the client is there, and a failure makes room", async () => {
    const limit = new Limit(1);
    const leaving = new AbortController();
    let fail = (_error: Error): void => {};
    const first = limit.run(never, () => new Promise((_resolve, reject) => (fail = reject)));
    const left = limit.run(leaving.signal, async () => "ran");
    const gone = limit.run(AbortSignal.abort(), async () => "ran");
    const last = limit.run(never, async () => "ran");
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: "OVERLOAD" });
    await expect(gone).rejects.toMatchObject({ code: "OVERLOAD" });
    fail(new Error("broke"));
    await expect(first).rejects.toThrow("broke");
    expect(await last).toBe("ran");
    expect(await limit.run(never, async () => "and again")).toBe("and again");
  });
});
