# SPDX-License-Identifier: Apache-2.0
"""make install, and the README's own configuration."""
import os
import re
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def make(build, *argv):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", "-C", TOP, f"BUILD={build}", *argv], env=env,
                          check=True, capture_output=True, text=True, timeout=300)


def tree(path):
    return sorted(os.path.relpath(os.path.join(d, f), path)
                  for d, _, names in os.walk(path) for f in names)


def test_destdir_and_gnu_variables(build, directory):
    target = os.path.join(directory, "image")
    where = ["prefix=/opt/oak", "saslplugindir=/opt/sasl",
             "mandir=/opt/oak/man", "zshcompdir=/opt/vendor",
             f"DESTDIR={target}"]
    make(build, "install", *where)
    files = tree(target)
    for name in ("opt/oak/bin/postoak", "opt/oak/sbin/postoak-tokend",
                 "opt/oak/sbin/postoak-milter", "opt/sasl/libpostoak.so",
                 "opt/oak/man/man1/postoak.1", "opt/oak/man/man5/postoak.conf.5",
                 "opt/oak/man/man8/postoak-tokend.8",
                 "opt/oak/man/man8/postoak-milter.8",
                 "opt/oak/share/doc/postoak/README.md",
                 "opt/oak/share/bash-completion/completions/postoak",
                 "opt/vendor/_postoak"):
        assert name in files, files
    assert all(f.startswith("opt/") for f in files)
    documents_are_whole(os.path.join(target, "opt/oak/share/doc/postoak"))
    version = subprocess.run([target + "/opt/oak/bin/postoak", "-V"],
                             capture_output=True, text=True, check=True).stdout
    assert re.match(r"postoak \d+\.\d+\.\d+", version)
    make(build, "uninstall", *where)
    assert not tree(target)


def documents_are_whole(path):
    """Links between them lead somewhere, and recipes name the tool's place."""
    with open(os.path.join(path, "README.md"), encoding="utf-8") as f:
        links = re.findall(r"\]\(((?:docs|contrib)/[^)]+)\)", f.read())
    assert len(links) > 3
    for link in links:
        assert os.path.isfile(os.path.join(path, link)), link
    for name in os.listdir(os.path.join(TOP, "contrib", "imap")):
        with open(os.path.join(path, "contrib/imap", name),
                  encoding="utf-8") as f:
            assert "/usr/bin/postoak" not in f.read(), name
    with open(os.path.join(path, "contrib/imap/neomuttrc"),
              encoding="utf-8") as f:
        assert '"/opt/oak/bin/postoak token ' in f.read()


def test_the_readme_configuration_is_valid(build, directory):
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as f:
        text = next(block for block in re.findall(r"```\n(.*?)```", f.read(), re.S)
                    if "application \"contoso\"" in block)
    check(build, directory, text)


def test_the_example_is_valid(build, directory):
    with open(os.path.join(TOP, "contrib/postoak.conf.example"),
              encoding="utf-8") as f:
        check(build, directory, f.read())


def check(build, directory, text):
    """Both daemons accept it once the files it names are there."""
    os.makedirs(os.path.join(directory, "secrets"), mode=0o700)
    for name in re.findall(r'^\s*\w+_file\s*=\s*"(secrets/[^"]+)"', text, re.M):
        if name.endswith("seal.key"):
            continue
        with open(os.path.join(directory, name), "w", encoding="ascii",
                  opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write("a-secret\n")
    # The default's directory is the package's to make.
    store = os.path.join(directory, "tokens")
    text, there = re.subn(r'^(\s*store\s*=\s*)"[^"]*"', rf'\1"{store}"', text,
                          flags=re.M)
    if not there and re.search(r"^tokend \{", text, re.M):
        text = re.sub(r"^tokend \{", f'tokend {{ store = "{store}"', text,
                      flags=re.M)
    elif not there:
        text += f'tokend {{ store = "{store}" }}\n'
    config = os.path.join(directory, "postoak.conf")
    with open(config, "w", encoding="utf-8") as f:
        f.write(text)
    for program in ("postoak-tokend", "postoak-milter"):
        out = subprocess.run([os.path.join(build, program), "-t", "-c", config],
                             capture_output=True, text=True, timeout=60)
        # The milter's directories, too, where this host has none.
        assert out.returncode == 0 or re.fullmatch(
            rf"{config}: milter: (counters|listen|control): /(var|run)/\S+ "
            "No such file or directory; .*\n", out.stderr), (
            f"{program}: {out.stdout}{out.stderr}")
