"""An authority for the certificates of tests, which the openssl program makes."""

import subprocess


class Authority:
    """Makes certificates for 127.0.0.1 in a folder."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        self.file = folder / f"{name}.crt"
        self._openssl("req", "-x509", *self._new_key(name), "-out", self.file, "-subj", f"/CN={name}", "-days", "2")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)

    def _new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.folder / f"{name}.key"]

    def issue(self, name, usage="serverAuth"):
        """Writes NAME.crt and NAME.key, over those that were there, and gives their paths."""
        certificate, request, extensions = (self.folder / f"{name}.{end}" for end in ("crt", "csr", "ext"))
        extensions.write_text(f"subjectAltName=IP:127.0.0.1\nextendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n")
        self._openssl("req", "-new", *self._new_key(name), "-out", request, "-subj", f"/CN={name}")
        self._openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.folder / f"{self.name}.key",
                      "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", certificate)  # fmt: skip
        return certificate, self.folder / f"{name}.key"
