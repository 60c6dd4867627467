import { nearest } from "../../src/config/nearest.ts";

describe("the name that was probably meant", () => {
  const known = ["listen", "listen_owner", "root", "app", "threads", "concurrency"];

  it.each([
    ["lisen", "listen"],
    ["listne", "listen"],
    ["Listen", "listen"],
    ["thread", "threads"],
    ["listenowner", "listen_owner"],
    ["concurency", "concurrency"],
    ["rot", "root"],
    ["aap", "app"],
  ])("%s → %s", (word, meant) => {
    expect(nearest(word, known)).toBe(meant);
  });

  it.each(["", "x", "timeout", "users", "zzzzzzzz"])("nothing is near to %j", (word) => {
    expect(nearest(word, known)).toBeUndefined();
  });
});
