import { redacted, withoutSecrets } from "../../workers/redaction.ts";

describe("what is shown of an environment or a request", () => {
  it.each([
    "PASSWORD",
    "PGPASSWORD",
    "DB_PASS",
    "MYSQL_PWD",
    "passphrase",
    "CLIENT_SECRET",
    "GITHUB_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "API_KEY",
    "apikey",
    "x-api-key",
    "SIGNING_KEYS",
    "cookie",
    "set-cookie",
    "authorization",
    "proxy-authorization",
    "HTTP_AUTH",
    "SESSION_ID",
    "SENTRY_DSN",
    "GOOGLE_CREDENTIALS",
    "PRIVATE_PEM",
    "x-csrf-token",
  ])("hides %s", (name) => {
    expect(redacted(name, "value")).toBe("…");
    expect(redacted(name, "")).toBe("");
  });

  it.each(["PATH", "HOME", "NODE_ENV", "GIT_AUTHOR_NAME", "KEYBOARD", "PASSENGERS", "user-agent", "accept", "host"])(
    "shows %s",
    (name) => {
      expect(redacted(name, "value")).toBe("value");
    },
  );

  it.each([
    ["postgres://me:pa%40ss@host/db?sslmode=on", "postgres://me:…@host/db?sslmode=on"],
    ["redis://:secret@localhost:6379", "redis://:…@localhost:6379"],
    ["http://host:80/a@b", "http://host:80/a@b"],
    ["/x?token=abc&a=1&password=", "/x?token=…&a=1&password="],
    ["https://a/?x=1&api_key=2#f", "https://a/?x=1&api_key=…#f"],
  ])("shows %s as %s", (value, shown) => {
    expect(withoutSecrets(value)).toBe(shown);
  });
});
