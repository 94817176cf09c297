"""An authority of the tests' own and the certificates it signs, made with openssl in a folder that the caller owns."""

import os
import subprocess

CA = "ca"


class Certificates:
    def __init__(self, folder):
        self.folder = str(folder)
        self.authority(CA)
        for name in ("server", "next", "alice", "mallory"):
            self.issue(name)

    def path(self, name):
        return os.path.join(self.folder, name)

    def cert(self, name):
        return self.path(name + ".crt")

    def key(self, name):
        return self.path(name + ".key")

    def openssl(self, *args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=self.folder)

    def new_key(self):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    def authority(self, name):
        self.openssl("req", "-x509", *self.new_key(), "-keyout", self.key(name), "-out", self.cert(name),
                     "-subj", "/CN=" + name, "-days", "2")

    def issue(self, name, ca=CA):
        """A certificate of common name `name`, good for servers on the loopback address and for clients."""
        self.openssl("req", *self.new_key(), "-keyout", self.key(name), "-out", self.path(name + ".csr"),
                     "-subj", "/CN=" + name)
        with open(self.path(name + ".ext"), "w") as ext:
            ext.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self.openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.cert(ca), "-CAkey", self.key(ca),
                     "-CAcreateserial", "-days", "2", "-extfile", self.path(name + ".ext"), "-out", self.cert(name))

    def directives(self, name="server", **more):
        return {"tls_cert_file": self.cert(name), "tls_key_file": self.key(name), "tls_ca_cert_file": self.cert(CA),
                "tls_auth_clients": "no", **more}
