import { defineApi } from "../wire/api.ts";
import { array, int16, string } from "../wire/types.ts";

/** After version 0 the mechanism's bytes would follow without the protocol around them. */
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
