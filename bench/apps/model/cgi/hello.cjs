// An old CGI script: the environment in, a header block and a body out.
const name = process.env.REQUEST_METHOD === "GET" ? "world" : "stranger";
process.stdout.write("Content-Type: text/plain;charset=UTF-8\r\n\r\n");
process.stdout.write(`Hello, ${name}\n`);
