declare module "node-fastcgi" {
  const fcgi: { createServer(...listenersAndConfig: unknown[]): unknown };
  export default fcgi;
}
