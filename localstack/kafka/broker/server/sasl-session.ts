/** Whether the client of a connection has said who it is. */
export interface SaslSession {
  isAuthenticated: boolean;
  /** The mechanism that was agreed on. */
  mechanism: string | null;
}
