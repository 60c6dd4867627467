// Wall-clock times for people, by the conversions of strftime(3) that logs use. Local time, English
// names: a log is read by programs too.

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

const two = (value: number): string => String(value).padStart(2, "0");
const three = (value: number): string => String(value).padStart(3, "0");
const nameOf = (names: readonly string[], index: number): string => names[index] ?? "";

const CONVERSIONS: Readonly<Record<string, (date: Date) => string>> = {
  "%": () => "%",
  a: (date) => nameOf(DAYS, date.getDay()).slice(0, 3),
  A: (date) => nameOf(DAYS, date.getDay()),
  b: (date) => nameOf(MONTHS, date.getMonth()).slice(0, 3),
  B: (date) => nameOf(MONTHS, date.getMonth()),
  d: (date) => two(date.getDate()),
  D: (date) => formatTime("%m/%d/%y", date),
  e: (date) => String(date.getDate()).padStart(2),
  F: (date) => formatTime("%Y-%m-%d", date),
  h: (date) => nameOf(MONTHS, date.getMonth()).slice(0, 3),
  H: (date) => two(date.getHours()),
  I: (date) => two(date.getHours() % 12 || 12),
  j: (date) => three(dayOfYear(date)),
  m: (date) => two(date.getMonth() + 1),
  M: (date) => two(date.getMinutes()),
  p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  R: (date) => formatTime("%H:%M", date),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  S: (date) => two(date.getSeconds()),
  T: (date) => formatTime("%H:%M:%S", date),
  u: (date) => String(date.getDay() || 7),
  w: (date) => String(date.getDay()),
  y: (date) => two(date.getFullYear() % 100),
  Y: (date) => String(date.getFullYear()),
  z: (date) => offset(-date.getTimezoneOffset()),
};

/** Every conversion that `formatTime` knows, with its percent sign. */
export const TIME_CONVERSIONS: readonly string[] = Object.keys(CONVERSIONS).map((letter) => `%${letter}`);

/** The first conversion that is not known, such as "%Q"; undefined: all are. */
export function unknownConversion(format: string): string | undefined {
  return [...format.matchAll(/%(.?)/gsu)].find(([, letter = ""]) => !Object.hasOwn(CONVERSIONS, letter))?.[0];
}

export function formatTime(format: string, date: Date): string {
  return format.replace(/%(.)/gsu, (written, letter: string) => CONVERSIONS[letter]?.(date) ?? written);
}

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getFullYear(), 0, 1);
  return Math.round((Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - start) / 86_400_000) + 1;
}

function offset(minutes: number): string {
  const hours = Math.floor(Math.abs(minutes) / 60);
  return `${minutes < 0 ? "-" : "+"}${two(hours)}${two(Math.abs(minutes) % 60)}`;
}
