// What is on the wall, as long as this worker lives. A database would be opened in `init`.

export interface Entry {
  readonly name: string;
  readonly message: string;
  readonly link: string;
  /** On the worker's `performance.now()`. */
  readonly at: number;
}

const KEPT = 100;
const wall: Entry[] = [
  {
    name: "Ada",
    message: 'Everything here is text: <script>alert(1)</script>, "quotes" & all.',
    link: "https://example.org/?a=1&b=2",
    at: performance.now(),
  },
  { name: "Mallory", message: "My link goes nowhere.", link: "javascript:alert(1)", at: performance.now() },
];

/** Newest first. */
export function entries(): readonly Entry[] {
  return wall;
}

export function addEntry(entry: Omit<Entry, "at">): void {
  wall.unshift({ ...entry, at: performance.now() });
  wall.length = Math.min(wall.length, KEPT);
}
