import { readFileSync } from "node:fs";
import type { Role } from "../../src/fastcgi/record.ts";
import { type Input, type State, TRANSITIONS } from "../../src/fastcgi/request-states.ts";

/** Tests run from dist/test; the README is not compiled. */
const README = new URL("../../../src/fastcgi/README.md", import.meta.url);

const ROLES = Object.keys(TRANSITIONS) as Role[];
const INPUTS = Object.keys(TRANSITIONS.responder.params) as Input[];

/** The states that a role enters, in the order in which it first can. */
function reachable(role: Role): State[] {
  const states: State[] = ["params"];
  for (const state of states) {
    for (const input of INPUTS) {
      const { next } = TRANSITIONS[role][state][input];
      if (next !== undefined && !states.includes(next)) states.push(next);
    }
  }
  return states;
}

function render(role: Role): string {
  const cell = (state: State, input: Input) => {
    const { action, next } = TRANSITIONS[role][state][input];
    return next === undefined ? action : `${action} → ${next}`;
  };
  const rows = [...reachable(role), "refused" as const].map((state) => [
    state,
    ...INPUTS.map((input) => cell(state, input)),
  ]);
  return [[role, ...INPUTS], Array(INPUTS.length + 1).fill("---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

describe("the states of a request id", () => {
  it.each(ROLES)("of a %s are printed in the README as they are", (role) => {
    const unaligned = readFileSync(README, "utf8").replace(/ +\|/g, " |").replace(/-{3,}/g, "---");
    expect(unaligned).toContain(render(role));
  });

  it.each(ROLES)("of a %s lead from params to complete by the streams of its role", (role) => {
    const streams: Record<Role, Input[]> = {
      responder: ["PARAMS end", "STDIN end"],
      authorizer: ["PARAMS end"],
      filter: ["PARAMS end", "STDIN end", "DATA end"],
    };
    let state: State = "params";
    for (const input of streams[role]) state = TRANSITIONS[role][state][input].next ?? state;
    expect(state).toBe("complete");
  });

  it.each(ROLES)("of a %s are aborted at every stage; the app hears of it once it knows the request", (role) => {
    for (const state of reachable(role)) {
      const expected = state === "params" ? "forget" : state === "aborted" ? "ignore" : "abort";
      expect(TRANSITIONS[role][state].ABORT.action).toBe(expected);
    }
  });

  it.each(ROLES)("of a %s pass bytes to the app only in stdin and data", (role) => {
    for (const state of reachable(role)) {
      for (const input of INPUTS) {
        const { action } = TRANSITIONS[role][state][input];
        if (action === "pass" || action === "finish") expect(["stdin", "data"]).toContain(state);
      }
    }
  });
});
