/** What is on its way: one message, or several in a piece that can be cut (`Piece`). */
export interface Parcel<Self> {
  readonly messages: number;
  /** In bytes, while it waits. */
  readonly cost: number;
  /** Itself, or the same, so that it can wait. */
  keep(): Self;
}
