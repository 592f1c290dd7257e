import { defineApi } from "../wire/api.ts";
import { bytes, int16, milliseconds, nullableString } from "../wire/types.ts";

export const saslAuthenticateApi = defineApi({
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
