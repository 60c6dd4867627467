import { NodeFastCgiGateway } from "../../src/pool/gateway-node-fastcgi.ts";
import { describeGateway } from "../contracts/gateway.ts";

describeGateway("node-fastcgi", (options) => new NodeFastCgiGateway(options), ["always sends Status"]);
