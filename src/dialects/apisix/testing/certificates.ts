/**
 * Two self-signed certificates with their keys, for tests alone; over in the year 2126. Golden cases name them `@CERT_A@`, `@KEY_A@`, `@CERT_B@`
 * and `@KEY_B@`.
 */
export const CERT_A = `-----BEGIN CERTIFICATE-----
MIIBgTCCASegAwIBAgIUXlQ2gdQJ06YPOGDS2PrReZ+3xd0wCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKYS5pbnRlcm5hbDAgFw0yNjExMjYxOTI1MjNaGA8yMTI2MTEw
MjE5MjUyM1owFTETMBEGA1UEAwwKYS5pbnRlcm5hbDBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABENegS9fGVkegITpFCASgvGdvXSMpiQ8suOoYHQg4d9UCxS93uJ7
HN9fcYyjLhoi5hs9nUWg31Lv6naPU4gIpu2jUzBRMB0GA1UdDgQWBBQNGpA66stv
V37SyejIlsr9DPXSTjAfBgNVHSMEGDAWgBQNGpA66stvV37SyejIlsr9DPXSTjAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIC3cgB/fztnwiFwmRH9P
GGKEwzdb9p6bLhuCQtlHenH7AiEAkhFJuE/7BeLsqdYkQQsb50UFXTL/QM1+WCkn
EuNkjnY=
-----END CERTIFICATE-----
`

export const KEY_A = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgO7svEml/LlSXd2Yw
+U7joGyqFyiTQKEiHkn2BQAkvemhRANCAARDXoEvXxlZHoCE6RQgEoLxnb10jKYk
PLLjqGB0IOHfVAsUvd7iexzfX3GMoy4aIuYbPZ1FoN9S7+p2j1OICKbt
-----END PRIVATE KEY-----
`

export const CERT_B = `-----BEGIN CERTIFICATE-----
MIIBgjCCASegAwIBAgIUTnxUJWqgnIrPhSd+DhqcJ3Lo/b0wCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKYi5pbnRlcm5hbDAgFw0yNjExMjYxOTI1MjNaGA8yMTI2MTEw
MjE5MjUyM1owFTETMBEGA1UEAwwKYi5pbnRlcm5hbDBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABKu+jJGbaa5k9FMcQE85HTfz1YBR3QsYBBixViRC++e+u8Bymo1E
XiE4EpTVQFxOWAqpIa+jwLNc+goxlp1KaC6jUzBRMB0GA1UdDgQWBBTEh4XB5CWc
e/8yL6xGE7ED6tNDNDAfBgNVHSMEGDAWgBTEh4XB5CWce/8yL6xGE7ED6tNDNDAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQD1wdGyCqvL0lfeOanB
sBH9iq6NEfSZLusMDoHUaL4VKwIhAKLSuBcFZmsiCqDD1WTOdM2pZwwnoaxi1quu
x9Xoim8a
-----END CERTIFICATE-----
`

export const KEY_B = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUp1hHCEOkgovKPTk
C9WvekKb2Y/Qp2WSI8+0JCFx/BOhRANCAASrvoyRm2muZPRTHEBPOR0389WAUd0L
GAQYsVYkQvvnvrvAcpqNRF4hOBKU1UBcTlgKqSGvo8CzXPoKMZadSmgu
-----END PRIVATE KEY-----
`

const NAMED: readonly (readonly [string, string])[] = [
  ['@CERT_A@', CERT_A],
  ['@KEY_A@', KEY_A],
  ['@CERT_B@', CERT_B],
  ['@KEY_B@', KEY_B],
]

/** JSON with the names above to JSON with the texts. */
export function fillCertificates(json: string): string {
  return NAMED.reduce((text, [name, pem]) => text.replaceAll(name, escaped(pem)), json)
}

/** And back. */
export function nameCertificates(json: string): string {
  return NAMED.reduce((text, [name, pem]) => text.replaceAll(escaped(pem), name), json)
}

function escaped(pem: string): string {
  return JSON.stringify(pem).slice(1, -1)
}
