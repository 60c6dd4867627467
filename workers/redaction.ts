// What must not be shown of a request or an environment: pages end up in screenshots and bug reports.
// By names, and by what a value looks like; rather one too many.

/** Shown in place of a secret. */
export const HIDDEN = "…";

const SECRET =
  /pass(?:w|phrase|$|[_-])|pwd|secret|token|credential|cookie|session|private|signature|salt|dsn|jwt|bearer|(?:^|[_-])(?:auth|authorization|pat|pin|otp|sid|csrf|xsrf|nonce)(?:$|[_-])|key(?:s?$|s?[_-])/i;

/** The value, or HIDDEN for one whose name looks secret; without passwords in URLs. */
export function redacted(name: string, value: string): string {
  if (value === "") return value;
  return SECRET.test(name) ? HIDDEN : withoutSecrets(value);
}

/** A text in which URLs lose their passwords, and queries the values of secret names. */
export function withoutSecrets(text: string): string {
  return text
    .replace(/(:\/\/[^\s/:@?#]*:)[^\s/@]+@/g, `$1${HIDDEN}@`)
    .replace(/([?&;])([^=&;#\s]{1,100})=([^&;#\s]*)/g, (whole, before: string, name: string, value: string) =>
      value !== "" && SECRET.test(name) ? `${before}${name}=${HIDDEN}` : whole,
    );
}
