import { ErrorCode } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { bytes, int16, milliseconds, nullableString } from "../wire/types.ts";
import { handler } from "./handler.ts";

const saslAuthenticateApi = defineApi({
  name: "SaslAuthenticate",
  key: 36,
  versions: [0, 2],
  flexibleFrom: 2,
  request: { authBytes: bytes },
  answer: {
    errorCode: int16,
    errorMessage: nullableString,
    authBytes: bytes,
    sessionLifetimeMs: milliseconds.since(1).or(0),
  },
});

const NO_BYTES = Buffer.alloc(0);

/** PLAIN: https://www.rfc-editor.org/rfc/rfc4616. An unknown user gets the same answer as a wrong password. */
export const saslAuthenticate = handler(saslAuthenticateApi, ({ authBytes }, { cluster, session }) => {
  const refused = (errorCode: number, errorMessage: string) => ({ errorCode, errorMessage, authBytes: NO_BYTES });
  if (cluster.users === null || session.mechanism === null) {
    return refused(ErrorCode.illegalSaslState, "SaslAuthenticate request received before a handshake");
  }
  const [, username = "", password] = authBytes.toString("utf8").split("\0");
  session.mechanism = null;
  if (password === undefined || cluster.users.get(username) !== password) {
    return refused(ErrorCode.saslAuthenticationFailed, "Authentication failed: Invalid username or password");
  }
  session.isAuthenticated = true;
  return { errorCode: ErrorCode.none, errorMessage: null, authBytes: NO_BYTES };
});
