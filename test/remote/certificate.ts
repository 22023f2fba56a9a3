// A key and a certificate for localhost, signed by itself, of this test alone:
//   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=localhost \
//     -addext subjectAltName=DNS:localhost,IP:127.0.0.1
export const KEY: Buffer = Buffer.from(`-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/MEa/NUC7lOB+ybC
O3QIa6ShKyjJxzNW/LKklfUdWGWhRANCAAS/LgSDHwmqZAffik/DcjD8/4qw4SUg
jtHv8o1DGKYrxb1ObeddOCItHm+lFEFLXGW8Wbxe3JX1VLz1dXYFOxVU
-----END PRIVATE KEY-----
`)
export const CERTIFICATE: Buffer = Buffer.from(`-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIURWU7E3DwqoOc2K66S2O8z54usK8wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjAyMjcwMFoYDzIxMjYxMTAy
MDIyNzAwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAS/LgSDHwmqZAffik/DcjD8/4qw4SUgjtHv8o1DGKYrxb1ObeddOCIt
Hm+lFEFLXGW8Wbxe3JX1VLz1dXYFOxVUo28wbTAdBgNVHQ4EFgQUTkwUME84GQMg
nVFCWBd3ygN/sO0wHwYDVR0jBBgwFoAUTkwUME84GQMgnVFCWBd3ygN/sO0wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAJzZHmJzSt4td/jWjoJLAuu2nOtaykh2RHLz2piTTk1GAiBz
9ZKyytmYLv7EXMdskGgJj4DbWUbWK1mxD9PZbF/k4Q==
-----END CERTIFICATE-----
`)
