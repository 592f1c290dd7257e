import { kafkaError } from "../errors.ts";

const SEPARATOR = "\u0001";
const LENGTH_BYTES = 4;

/** kafkajs passes this to an authenticator. Each message is sent after its length. */
interface SaslExchange {
  saslAuthenticate<Answer>(exchange: {
    readonly request: { encode(): Promise<Buffer> };
    readonly response?: { decode(bytes: Buffer): Promise<Buffer>; parse(bytes: Buffer): Promise<Answer> };
  }): Promise<Answer>;
}

/**
 * SASL OAUTHBEARER (RFC 7628) for kafkajs, whose own implementation takes every answer as success. A server refuses a token with a
 * non-empty answer, and continues only after the client has acknowledged it. Each authentication asks the provider for a token.
 */
export function oauthBearerAuthenticator(
  provideToken: () => Promise<{ value: string }>,
): (exchange: SaslExchange) => { authenticate(): Promise<void> } {
  return (exchange) => ({
    async authenticate() {
      const token = await tokenOf(provideToken);
      const refusal = await exchange.saslAuthenticate({
        request: message(`n,,${SEPARATOR}auth=Bearer ${token}${SEPARATOR}${SEPARATOR}`),
        response: { decode: async (bytes) => bytes.subarray(LENGTH_BYTES), parse: async (bytes: Buffer) => bytes },
      });
      if (refusal.length === 0) return;
      await exchange.saslAuthenticate({ request: message(SEPARATOR) });
      throw new Error("the server refuses the token");
    },
  });
}

/** @throws `unauthenticated` if the provider gives no token */
async function tokenOf(provideToken: () => Promise<{ value: string }>): Promise<string> {
  let token: { value: string } | undefined;
  try {
    token = await provideToken();
  } catch (cause) {
    throw kafkaError("unauthenticated", "oauthBearerProvider failed", { cause });
  }
  if (typeof token?.value === "string" && token.value !== "") return token.value;
  throw kafkaError("unauthenticated", `oauthBearerProvider must resolve to { value: token }; received ${typeof token}`);
}

function message(text: string): { encode(): Promise<Buffer> } {
  return {
    encode: async () => {
      const bytes = Buffer.from(text, "utf8");
      const length = Buffer.allocUnsafe(LENGTH_BYTES);
      length.writeInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    },
  };
}
