/** The state of the authentication on one connection. */
export interface SaslSession {
  isAuthenticated: boolean;
  /** The mechanism of the handshake. */
  mechanism: string | null;
}
