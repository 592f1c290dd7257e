import { ErrorCode } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { array, int16, string } from "../wire/types.ts";
import { handler } from "./handler.ts";

/** After a handshake of version 0, the mechanism's bytes would follow without Kafka's protocol around them. */
export const saslHandshakeApi = defineApi({
  name: "SaslHandshake",
  key: 17,
  versions: [1, 1],
  request: { mechanism: string },
  answer: {
    errorCode: int16,
    mechanisms: array(string),
  },
});

const MECHANISMS = ["PLAIN"];

export const saslHandshake = handler(saslHandshakeApi, ({ mechanism }, { cluster, session }) => {
  // A listener without security refuses SASL.
  if (cluster.users === null) return { errorCode: ErrorCode.illegalSaslState, mechanisms: [] };
  if (!MECHANISMS.includes(mechanism)) return { errorCode: ErrorCode.unsupportedSaslMechanism, mechanisms: MECHANISMS };
  session.mechanism = mechanism;
  return { errorCode: ErrorCode.none, mechanisms: MECHANISMS };
});
