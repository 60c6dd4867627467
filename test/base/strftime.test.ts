import { formatTime, TIME_CONVERSIONS, unknownConversion } from "../../src/base/strftime.ts";

/** Local time: the machine's zone must not matter. */
const DATE = new Date(2026, 1, 3, 4, 5, 6);

describe("times by strftime(3)", () => {
  it.each([
    ["%d/%b/%Y:%H:%M:%S", "03/Feb/2026:04:05:06"],
    ["%F %T", "2026-02-03 04:05:06"],
    ["%A %e %B %y, day %j, %I:%M %p", "Tuesday  3 February 26, day 034, 04:05 AM"],
    ["%a %D %R %u %w %h 100%%", "Tue 02/03/26 04:05 2 2 Feb 100%"],
    ["%s", String(Math.floor(DATE.getTime() / 1000))],
  ])("%s", (format, text) => {
    expect(formatTime(format, DATE)).toBe(text);
  });

  it("writes the offset from UTC with its sign", () => {
    const east = new Date(DATE);
    east.getTimezoneOffset = () => -330;
    const west = new Date(DATE);
    west.getTimezoneOffset = () => 180;
    expect([formatTime("%z", east), formatTime("%z", west)]).toEqual(["+0530", "-0300"]);
  });

  it("names the first conversion that it does not know", () => {
    expect(unknownConversion(TIME_CONVERSIONS.join(""))).toBeUndefined();
    expect(unknownConversion("%H:%Q")).toBe("%Q");
    expect(unknownConversion("%H %")).toBe("%");
  });
});
