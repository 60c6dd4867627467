import { FAULT_TEXT_MAX, FAULTS, Fault, fromFaultData, messageOf, toFaultData } from "../../src/base/fault.ts";

describe("a fault", () => {
  it("carries the HTTP status of its code", () => {
    expect(new Fault("OVERLOAD", "full").status).toBe(503);
    expect(new Fault("LIMIT", "too many params", { status: 431 }).status).toBe(431);
  });

  it("ends commands with exit codes from sysexits.h", () => {
    expect([FAULTS.USAGE.exit, FAULTS.LISTEN.exit, FAULTS.BOOT.exit, FAULTS.CONFIG.exit]).toEqual([64, 69, 70, 78]);
  });

  it("crosses a process border as plain data, with hint and stack", () => {
    const fault = new Fault("CONFIG", "bad", { hint: "do this" });
    const back = fromFaultData(JSON.parse(JSON.stringify(toFaultData(fault, "HANDLER"))));
    expect(back).toMatchObject({ code: "CONFIG", message: "bad", hint: "do this", stack: fault.stack });
  });

  it("crosses it cut, where it is longer than anybody reads", () => {
    const { message, stack } = toFaultData(new Error("x".repeat(1e6)), "HANDLER");
    expect([message.length, stack?.length]).toEqual([FAULT_TEXT_MAX, FAULT_TEXT_MAX]);
    expect(toFaultData("y".repeat(1e6), "HANDLER").message).toMatch(/^y+ … \(cut\)$/);
  });

  it("takes what is not a Fault as the given code", () => {
    expect(toFaultData(new TypeError("x"), "HANDLER")).toMatchObject({ code: "HANDLER", message: "x" });
    expect(toFaultData("thrown string", "BOOT")).toEqual({ code: "BOOT", message: "thrown string" });
  });
});

describe("what anything thrown says of itself", () => {
  it("is the message of an error, else its text, and never throws", () => {
    expect([messageOf(new TypeError("x")), messageOf("text"), messageOf(undefined)]).toEqual([
      "x",
      "text",
      "undefined",
    ]);
    expect(messageOf(Object.create(null))).toContain("cannot be shown");
  });
});
