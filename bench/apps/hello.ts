export default () => new Response("Hello, world\n");
