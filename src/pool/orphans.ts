// Programs that a worker thread has started and left behind when it was lost. They are ended here, each with
// its process group. Nobody collects them then: of a child process only the event loop that started it is told,
// and that went with the thread. They stay zombies until this process goes, so there must not be many.

/** Each takes an entry of the kernel's table of processes, and counts for TasksMax. */
const ZOMBIES_MAX = 32;

export interface OrphansOptions {
  /** Has this process replaced, for a reason in words; called once. */
  readonly replace: (reason: string) => void;
  /** Default: the system's. */
  readonly kill?: (pid: number, signal: "SIGKILL") => void;
}

export class Orphans {
  readonly #options: OrphansOptions;
  #zombies = 0;

  constructor(options: OrphansOptions) {
    this.#options = options;
  }

  /** To be called when the thread that started them is gone: until then their ids may become those of others. */
  end(pids: readonly number[]): void {
    const { replace, kill = process.kill } = this.#options;
    for (const pid of pids) {
      try {
        kill(-pid, "SIGKILL");
      } catch {
        // The whole group is gone.
      }
    }
    const before = this.#zombies;
    this.#zombies += pids.length;
    if (before >= ZOMBIES_MAX || this.#zombies < ZOMBIES_MAX) return;
    replace(`${this.#zombies} programs of lost workers are zombies as long as it lives`);
  }
}
