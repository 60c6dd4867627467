import { describeCommands } from "../../src/cli/describe.ts";
import { EXAMPLES } from "../../src/cli/examples.ts";
import { createProgram } from "../../src/cli/program.ts";

describe("the table of commands", () => {
  const commands = describeCommands(createProgram());

  it("says of every command, argument and option what it is", () => {
    const silent = commands.flatMap(({ name, description, arguments: args, options }) =>
      [{ name, description }, ...args, ...options.map(({ long, description }) => ({ name: long, description }))]
        .filter(({ description }) => description === "")
        .map((nameless) => `${name} ${nameless.name}`),
    );
    expect(silent).toEqual([]);
  });

  it("has an example of every command, and no other", () => {
    expect(Object.keys(EXAMPLES).sort()).toEqual(commands.map(({ name }) => name).sort());
  });

  it.each(Object.values(EXAMPLES).flatMap((examples) => examples.map(({ line }) => line)))(
    "parses: %s",
    async (line) => {
      const [, name = "", ...args] = (line.split(" > ")[0] ?? "").split(" ");
      const program = createProgram();
      const command = program.commands.find((each) => each.name() === name);
      let isCalled = false;
      command?.action(() => {
        isCalled = true;
      });
      await program.parseAsync([name, ...args], { from: "user" });
      expect(isCalled).toBe(true);
    },
  );
});
