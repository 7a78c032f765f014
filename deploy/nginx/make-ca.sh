#!/usr/bin/env bash
# An authority of one's own and a certificate for a coordinator: make-ca.sh FOLDER NAME...
# Clients get ca.pem (SSL_CERT_FILE); nginx gets server.pem and server.key; ca.key is kept elsewhere.
set -euo pipefail
umask 077
folder=$1
shift
mkdir -p "$folder"
cd "$folder"

if [ ! -e ca.key ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -keyout ca.key -out ca.pem \
        -subj "/CN=farm authority" -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign
fi
names=
for name in "$@"; do
    case $name in
    *[!0-9.]*) names+=,DNS:$name ;;
    *) names+=,IP:$name ;;
    esac
done
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj "/CN=$1"
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 397 -out server.pem \
    -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "${names#,}")
rm server.csr
