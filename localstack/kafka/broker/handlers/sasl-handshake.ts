import { saslHandshakeApi } from "../apis/sasl-handshake.ts";
import { ErrorCode } from "../error-code.ts";
import { handler } from "./handler.ts";

const MECHANISMS = ["PLAIN"];

export const saslHandshake = handler(saslHandshakeApi, ({ mechanism }, { cluster, session }) => {
  // A listener without security expects no SASL.
  if (cluster.users === null) return { errorCode: ErrorCode.illegalSaslState, mechanisms: [] };
  if (!MECHANISMS.includes(mechanism)) return { errorCode: ErrorCode.unsupportedSaslMechanism, mechanisms: MECHANISMS };
  session.mechanism = mechanism;
  return { errorCode: ErrorCode.none, mechanisms: MECHANISMS };
});
