// Opens a push as its browser would and verifies its signature, by code that is not the relay's:
// http_ece for RFC 8188 and 8291, Node's own crypto for RFC 8292. Reads one JSON object from standard
// input, writes one to standard output.
import { createECDH, createPublicKey, verify } from "node:crypto";
import ece from "http_ece";

let text = "";
for await (const part of process.stdin) text += part;
const { body, secret, auth, authorization } = JSON.parse(text);

const browser = createECDH("prime256v1");
browser.setPrivateKey(Buffer.from(secret, "base64url"));
const plaintext = ece.decrypt(Buffer.from(body, "base64url"), {
  version: "aes128gcm",
  privateKey: browser,
  authSecret: auth,
});

const [, token, key] = authorization.match(/^vapid t=([^,]+), k=(\S+)$/);
const [head, claims, signature] = token.split(".");
const point = Buffer.from(key, "base64url");
const coordinate = (from) => point.subarray(from, from + 32).toString("base64url");
const jwk = { kty: "EC", crv: "P-256", x: coordinate(1), y: coordinate(33) };
const verified = verify(
  "sha256",
  Buffer.from(`${head}.${claims}`),
  { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" },
  Buffer.from(signature, "base64url"),
);

const read = (part) => JSON.parse(Buffer.from(part, "base64url").toString());
process.stdout.write(
  JSON.stringify({
    plaintext: plaintext.toString(),
    head: read(head),
    claims: read(claims),
    key,
    verified,
  }),
);
