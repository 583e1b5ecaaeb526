"""Python's docker SDK against a Docker daemon: what people do with it, one step a line.

Fails with a traceback at the first step whose result is another than Docker's.
"""

import datetime
import sys

import docker

client = docker.DockerClient(base_url=sys.argv[1], timeout=60)


def check(what, found, expected):
    assert found == expected, f"{what}: {found!r}, expected {expected!r}"
    print(what, flush=True)


check("ping", client.ping(), True)
check("version", client.version()["ApiVersion"], "1.41")
check("info", client.info()["OSType"], "linux")
image = client.images.pull("busybox", tag="latest")
check("pull", image.tags, ["busybox:latest"])
check("images", [one.tags for one in client.images.list()], [["busybox:latest"]])

output = client.containers.run("busybox", ["sh", "-c", "echo out; exit 0"], remove=True)
check("run", output, b"out\n")
try:
    client.containers.run("busybox", ["sh", "-c", "exit 3"], name="failing")
except docker.errors.ContainerError as error:
    check("run that fails", error.exit_status, 3)
client.containers.get("failing").remove(v=True)

container = client.containers.run("busybox", ["sleep", "1000"], name="sleeper", detach=True)
check("run detached", container.status, "created")
container.reload()
check("inspect", container.status, "running")
check("ps", [one.name for one in client.containers.list()], ["sleeper"])
# The SDK loses what arrives together with the answer's head, with any daemon: hence the sleep.
inside = container.exec_run(["sh", "-c", "sleep 2; echo inside"])
check("exec", tuple(inside), (0, b"inside\n"))
stats = container.stats(stream=False)
check("stats", stats["name"], "/sleeper")
container.kill("SIGKILL")
check("wait", container.wait(timeout=60)["StatusCode"], 137)
container.start()
container.stop(timeout=1)
check("stop", container.wait(timeout=60)["StatusCode"], 137)
check("logs", container.logs(), b"")
container.remove()
try:
    client.containers.get("sleeper")
    check("remove", "there", "gone")
except docker.errors.NotFound as error:
    check("remove", error.status_code, 404)

followed = client.containers.run("busybox", ["sh", "-c", "echo 1; sleep 1; echo 2"], detach=True)
check("logs, followed", b"".join(followed.logs(follow=True, stream=True)), b"1\n2\n")
check("logs, tail", followed.logs(tail=1), b"2\n")
followed.remove()

info = client.info()
until = docker.utils.datetime_to_timestamp(
    datetime.datetime.strptime(info["SystemTime"][:19], "%Y-%m-%dT%H:%M:%S")
)
events = client.events(since=0, until=until + 1, decode=True, filters={"container": "sleeper"})
actions = [event["Action"] for event in events]
for action in ["create", "start", "kill", "die", "stop", "destroy"]:
    assert action in actions, f"events: {action} is not in {actions}"
print("events", flush=True)

client.images.remove("busybox:latest")
check("rmi", client.images.list(), [])
try:
    client.images.pull("no-such-image", tag="latest")
except docker.errors.NotFound as error:
    check("pull of nothing", error.status_code, 404)
