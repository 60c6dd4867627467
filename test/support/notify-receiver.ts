// A service manager as far as its socket goes: receives datagrams, each with the process id that the
// kernel vouches for. In Perl, which every Debian has, because Node cannot receive them.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { eventually } from "./eventually.ts";

/** SO_PASSCRED before bind; one line of JSON-like fields for each datagram: pid, then the text in hex. */
const PROGRAM = `
  use strict; use POSIX (); use Socket;
  my $path = shift;
  my $name = $path =~ /^@/ ? "\\0" . substr($path, 1) : $path;
  socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
  setsockopt($socket, SOL_SOCKET, 16, pack("i", 1)) or die "SO_PASSCRED: $!";
  bind($socket, pack_sockaddr_un($name)) or die "bind: $!";
  $| = 1;
  print "up\\n";
  my $iov;
  while (1) {
    my $buffer = "\\0" x 4096; my $control = "\\0" x 256;
    my $vector = pack("PQ", $buffer, 4096);
    my $header = pack("QLx4PQPQi x4", 0, 0, $vector, 1, $control, 256, 0);
    my $length = syscall(SYSCALL, fileno($socket), $header, 0);
    die "recvmsg: $!" if $length < 0;
    # [cmsg(3)] SCM_RIGHTS holds descriptors, SCM_CREDENTIALS the sender.
    my $controls = unpack("Q", substr($header, 40, 8));
    my $pid = 0;
    for (my $at = 0; $at + 16 <= $controls; ) {
      my ($bytes, undef, $type) = unpack("Qii", substr($control, $at, 16));
      my $data = substr($control, $at + 16, $bytes - 16);
      $pid = unpack("I", $data) if $type == 2;
      # systemd-notify waits until its barrier is closed.
      if ($type == 1) { POSIX::close($_) for unpack("i*", $data); }
      $at += ($bytes + 7) & ~7;
    }
    my $text = substr($buffer, 0, $length);
    printf "%d %s\\n", $pid, unpack("H*", $text) unless $text eq "BARRIER=1";
  }
`;

/** recvmsg(2): its number on the machines that the tests run on. */
const RECVMSG: Partial<Record<NodeJS.Architecture, number>> = { x64: 47, arm64: 212 };

export interface Datagram {
  /** Of the process that sent it. */
  readonly pid: number;
  readonly text: string;
}

export class NotifyReceiver {
  readonly path: string;
  readonly #child: ChildProcess;
  #output = "";

  private constructor(path: string) {
    this.path = path;
    const program = PROGRAM.replace("SYSCALL", String(RECVMSG[process.arch]));
    this.#child = spawn("perl", ["-e", program, path], { stdio: ["ignore", "pipe", "inherit"] });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
    });
  }

  /** `path` as in NOTIFY_SOCKET. */
  static async open(path: string): Promise<NotifyReceiver> {
    const receiver = new NotifyReceiver(path);
    await eventually(() => receiver.#output.startsWith("up\n"));
    return receiver;
  }

  /** All that came until now. */
  get received(): readonly Datagram[] {
    return this.#output
      .split("\n")
      .slice(1, -1)
      .map((line) => {
        const [pid = "", hex = ""] = line.split(" ");
        return { pid: Number(pid), text: Buffer.from(hex, "hex").toString() };
      });
  }

  /** Resolves with the first message in which `pattern` is found. */
  async message(pattern: RegExp, withinMs = 15_000): Promise<Datagram> {
    return await eventually(() => this.received.find(({ text }) => pattern.test(text)), withinMs);
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}

/** Call it in a `describe`: the returned function opens receivers that are closed after each test. */
export function notifyReceivers(): (path: string) => Promise<NotifyReceiver> {
  const opened: NotifyReceiver[] = [];
  afterEach(async () => {
    for (const receiver of opened.splice(0)) await receiver.close();
  });
  return async (path) => {
    const receiver = await NotifyReceiver.open(path);
    opened.push(receiver);
    return receiver;
  };
}
