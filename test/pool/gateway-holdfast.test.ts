import { HoldfastGateway } from "../../src/pool/gateway-holdfast.ts";
import { describeGateway } from "../contracts/gateway.ts";

describeGateway("holdfast", (options) => new HoldfastGateway(options));
