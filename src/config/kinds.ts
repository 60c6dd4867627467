// What a value in the configuration may look like. A kind checks what is written in TOML and turns
// it into the plain value that the rest works with (milliseconds, bytes, an address). It knows no
// option: those are in schema.ts.

import { isIP } from "node:net";
import { z } from "zod";
import { formatAddress, type ListenAddress } from "./address.ts";
import type { Written } from "./table.ts";

/** One way to write a value. `T` is what becomes of it. */
export interface Kind<T> {
  /** The form in words, for the reference page. */
  readonly form: string;
  readonly schema: z.ZodType<T>;
  /** How a value is written in TOML, where that is not the value itself. */
  write?(value: T): Written;
}

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const SIZE_UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
/** Smaller amounts are written as a number of bytes. */
const SIZE_STEP = 1024;

/** Reports a mistake from inside a kind; `hint` is shown after the message in parentheses. */
export function mistake(ctx: z.core.$RefinementCtx<unknown>, message: string, hint?: string): never {
  ctx.issues.push({ code: "custom", message, input: ctx.value, params: hint === undefined ? {} : { hint } });
  return z.NEVER;
}

export const text = (form = "text"): Kind<string> => ({
  form,
  schema: z.string({ error: `expected text in quotes` }).min(1, { error: "is empty" }),
});

/** User and group ids are 32 bits wide, and the highest means "unchanged" to chown(2) and setresuid(2). */
const HIGHEST_ID = 2 ** 32 - 2;

const accountText = z
  .string({ error: "expected text in quotes" })
  .min(1, { error: "is empty" })
  // setpriv(1) takes such a number modulo 2^32, so that 4294967296 would be root.
  .refine((written) => !/^\d+$/.test(written) || Number(written) <= HIGHEST_ID, {
    error: `a number must be at most ${HIGHEST_ID}`,
  })
  // They end a field of the user database.
  .refine((written) => !/[:\n\0]/.test(written), { error: "a name holds no colon, line break or NUL" });

/** A user or a group, by name or number. */
export const account = (what: "user" | "group"): Kind<string> => ({
  form: `${what} name, or number in quotes`,
  schema: accountText,
});

/** Far more than anybody lists by hand; Linux takes 65,536 (NGROUPS_MAX). */
const GROUPS = 256;

export const groups: Kind<readonly string[]> = {
  form: "list of group names, or numbers in quotes",
  schema: z
    .array(accountText, { error: 'expected a list such as ["ssl-cert"]' })
    .max(GROUPS, { error: `holds more than ${GROUPS} groups` }),
};

export const path: Kind<string> = text("path, relative to the folder of the file");

export const flag: Kind<boolean> = {
  form: "`true` or `false`",
  schema: z.boolean({ error: "expected true or false, without quotes" }),
};

export const integer = (min: number, max: number): Kind<number> => ({
  form: `whole number, ${min} to ${max}`,
  schema: wholeNumber(min, max),
});

export function wholeNumber(min: number, max: number): z.ZodType<number> {
  return z
    .int({ error: "expected a whole number, without quotes" })
    .min(min, { error: `must be at least ${min}` })
    .max(max, { error: `must be at most ${max}` });
}

export function choice<const T extends string>(...values: readonly [T, ...T[]]): Kind<T> {
  return { form: values.map((value) => `\`"${value}"\``).join(", "), schema: z.enum(values) };
}

const DURATION_EXPECTED = 'expected a duration such as "30s", "500ms" or "2m"';
const durationText = z.string({ error: DURATION_EXPECTED });

/** A time such as "30s"; in milliseconds from then on. A bare number would leave the unit to guess: only 0 has none. */
export const duration = (min = "1ms", max = "24h"): Kind<number> => ({
  form: millis(min) === 0 ? `duration, up to \`"${max}"\`, or \`0\`` : `duration, \`"${min}"\` to \`"${max}"\``,
  write: (value) => (value === 0 ? 0 : writeWithUnit(value, DURATION_UNITS)),
  schema: (millis(min) === 0
    ? z.union([durationText, z.literal(0)], { error: DURATION_EXPECTED })
    : durationText
  ).transform((written, ctx) => {
    const value = written === 0 ? 0 : withUnit(written, DURATION_UNITS);
    if (value === undefined) {
      return mistake(ctx, `"${written}" is not a duration`, 'write "500ms", "30s", "2m" or "1h"');
    }
    if (value < millis(min)) return mistake(ctx, `must be at least "${min}"`);
    if (value > millis(max)) return mistake(ctx, `must be at most "${max}"`);
    return value;
  }),
});

/** Bytes, such as "64MiB" or 65536. */
export const size = (min: string, max: string): Kind<number> => ({
  form: `size, \`"${min}"\` to \`"${max}"\`, or a number of bytes`,
  write: (value) => (value % SIZE_STEP === 0 && value > 0 ? writeWithUnit(value, SIZE_UNITS) : value),
  schema: z
    .union([z.string(), z.number()], { error: 'expected a size such as "64MiB" or a number of bytes' })
    .transform((written, ctx) => {
      const value = typeof written === "number" ? written : withUnit(written, SIZE_UNITS);
      if (value === undefined || !Number.isSafeInteger(value)) {
        return mistake(ctx, `${JSON.stringify(written)} is not a size`, 'write "512KiB", "64MiB" or "1GiB"');
      }
      if (value < bytes(min)) return mistake(ctx, `must be at least "${min}"`);
      if (value > bytes(max)) return mistake(ctx, `must be at most "${max}"`);
      return value;
    }),
});

function withUnit(written: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d{1,12})(?: ?([A-Za-z]+))?$/.exec(written);
  if (match === null) return undefined;
  const count = Number(match[1]);
  if (match[2] === undefined) return count === 0 ? 0 : undefined;
  const unit = Object.hasOwn(units, match[2]) ? units[match[2]] : undefined;
  return unit === undefined ? undefined : count * unit;
}

function writeWithUnit(value: number, units: Readonly<Record<string, number>>): string {
  const [unit = "", step = 1] = Object.entries(units).findLast(([, size]) => value % size === 0) ?? [];
  return `${value / step}${unit}`;
}

const millis = (written: string): number => withUnit(written, DURATION_UNITS) ?? 0;
const bytes = (written: string): number => withUnit(written, SIZE_UNITS) ?? 0;

/** A part of a whole. */
export const share: Kind<number> = {
  form: "number, 0 to 1",
  schema: z
    .number({ error: "expected a number from 0 to 1, without quotes" })
    .min(0, { error: "must be at least 0" })
    .max(1, { error: "must be at most 1" }),
};

/** Permission bits as chmod(1) writes them. */
export const fileMode: Kind<number> = {
  form: 'octal mode, such as `"0660"`',
  write: (value) => `0${value.toString(8).padStart(3, "0")}`,
  schema: z.string({ error: 'expected an octal mode in quotes, such as "0660"' }).transform((written, ctx) => {
    if (!/^0?[0-7]{3}$/.test(written)) {
      return mistake(ctx, `"${written}" is not an octal mode`, 'write three octal digits, such as "0660"');
    }
    return Number.parseInt(written, 8);
  }),
};

export const address: Kind<ListenAddress> = {
  form: 'path of a unix socket, `"HOST:PORT"` or `"systemd:NAME"`',
  write: formatAddress,
  schema: z.string({ error: "expected an address in quotes" }).transform((written, ctx) => {
    if (written.startsWith("systemd:")) {
      const name = written.slice("systemd:".length);
      if (!/^[\x21-\x39\x3b-\x7e]{1,255}$/.test(name)) {
        return mistake(ctx, `"${written}" names no descriptor`, "FileDescriptorName= of the socket unit goes here");
      }
      return { kind: "systemd", name } satisfies ListenAddress as ListenAddress;
    }
    if (written.includes("/")) {
      if (written.includes("\0")) return mistake(ctx, "a path cannot hold a NUL");
      return { kind: "unix", path: written.replace(/^unix:/, "") } satisfies ListenAddress as ListenAddress;
    }
    const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(written);
    if (match === null) {
      return mistake(ctx, `"${written}" is no address`, 'write "/run/name.sock", "./name.sock" or "127.0.0.1:9000"');
    }
    const host = match[1] ?? (match[2] === "localhost" ? "127.0.0.1" : (match[2] ?? ""));
    if (isIP(host) !== (match[1] === undefined ? 4 : 6)) {
      return mistake(ctx, `"${host}" is no IP address`, 'write it as "127.0.0.1:9000" or "[::1]:9000"');
    }
    const port = Number(match[3]);
    if (port > 65_535) return mistake(ctx, `port ${port} is out of range`, "0 to 65535; 0 takes any free port");
    return { kind: "tcp", host, port } satisfies ListenAddress as ListenAddress;
  }),
};

/** An IP address, or a network as ADDRESS/BITS. */
const peer = z.string({ error: "expected an IP address in quotes" }).transform((written, ctx) => {
  const [host = "", bits, ...rest] = written.split("/");
  const family = isIP(host);
  const widest = family === 6 ? 128 : 32;
  const bad = family === 0 || rest.length > 0 || (bits !== undefined && (!/^\d{1,3}$/.test(bits) || +bits > widest));
  return bad ? mistake(ctx, `"${written}" is no IP address`, 'write "10.0.0.7", "10.0.0.0/8" or "::1"') : written;
});

export const peers: Kind<readonly string[]> = {
  form: "list of IP addresses and networks",
  schema: z.array(peer, { error: 'expected a list such as ["10.0.0.7"]' }),
};

export const list = (of: string): Kind<readonly string[]> => ({
  form: `list of ${of}`,
  schema: z.array(z.string({ error: "expected text in quotes" }).min(1, { error: "is empty" }), {
    error: 'expected a list such as ["one", "two"]',
  }),
});

/** Part of a URL's path in front of everything: "" or "/shop". */
export const urlPrefix: Kind<string> = {
  form: 'part of a path, such as `"/shop"`; empty for all',
  schema: z.string({ error: "expected text in quotes" }).transform((written, ctx) => {
    if (written === "" || written === "/") return "";
    if (!/^(\/[^/?#\s]+)+\/?$/.test(written)) {
      return mistake(ctx, `"${written}" is no path`, 'begin with a slash: "/shop"');
    }
    return written.replace(/\/$/, "");
  }),
};

export const urlPath: Kind<string> = {
  form: 'path, such as `"/-/status"`',
  schema: z
    .string({ error: "expected text in quotes" })
    .regex(/^\/[^?#\s]*$/, { error: 'must begin with "/" and hold no "?", "#" or space' }),
};

/** A name for what is kept outside: part of paths and keys. */
export const word: Kind<string> = {
  form: "1 to 32 letters, digits, `-` and `_`",
  schema: z
    .string({ error: "expected text in quotes" })
    .regex(/^[A-Za-z0-9_-]{1,32}$/, { error: "must be 1 to 32 letters, digits, - and _" }),
};

/** A token [RFC 6265 §4.1.1]. */
export const cookieName: Kind<string> = {
  form: "name of a cookie",
  schema: z
    .string({ error: "expected text in quotes" })
    .regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/, { error: "is no name for a cookie: letters, digits, - and _" }),
};

/** Variables for the app; without a prototype, as the names are not ours. */
export const environment: Kind<Readonly<Record<string, string>>> = {
  form: "table of names and texts",
  schema: z
    .record(z.string(), z.string({ error: "expected text in quotes: an environment holds only text" }), {
      error: 'expected a table, such as [pools.www.env] with NAME = "value" lines',
    })
    .transform((written, ctx) => {
      const env = Object.create(null) as Record<string, string>;
      for (const [name, value] of Object.entries(written)) {
        if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
          return mistake(ctx, `"${name}" is no name for a variable`, "letters, digits and _; no digit first");
        }
        if (value.includes("\0")) return mistake(ctx, `the value of ${name} holds a NUL`);
        env[name] = value;
      }
      return env;
    }),
};
