export interface ResponseHeader {
  readonly name: string
  readonly value: string
}
