# SPDX-License-Identifier: BSD-2-Clause
"""How each program is told to do one lane: commands and settings.

Every program gets what it needs to be correct (nothing dropped, everything waited for) and otherwise its defaults,
unless a default only throttles it; such settings are explained here."""
from urllib.parse import urlsplit

# rsyslog drops a message when its queue has been full for two seconds; here it waits for a day instead.  Batches of
# 1024 and a buffer of 64 KiB, larger than its defaults, so that small ones are no excuse.
RSYSLOG = """\
global(workDirectory="{folder}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off")
main_queue(queue.type="FixedArray" queue.size="50000" queue.dequeueBatchSize="{batch}" queue.workerThreads="1"
           queue.timeoutEnqueue="86400000" queue.timeoutShutdown="60000")
{modules}
template(name="line" type="string" string="%{field}%\\n")
template(name="value" type="string" string="%{field}%")
ruleset(name="lane") {{ {check}{action} }}
{source}
"""
# As weir's sink does it: what is no JSON is not sent on.
JSON_CHECK = 'action(type="mmjsonparse" cookie="") if $parsesuccess == "OK" then '


class Weir:
    def __init__(self, build, folder):
        self.program = build / "weir"
        self.env = {"WEIR_PLUGIN_PATH": str(build / "plugins" / "built"), "NO_COLOR": "1"}
        self.folder = folder

    def command(self, name, source, sink, memory=None):
        """source, sink: options.  A new state folder, so that it starts at the beginning."""
        pipeline = {"memory": memory} if memory else {}
        ini = self.folder / f"{name}.ini"
        self.write(ini, {"pipeline": pipeline, "source": source, "sink": sink})
        return self.run(self.folder / f"{name}.state", ini)

    def run(self, state, *conf, end=True):
        return [self.program, "run", *(["--until-end"] if end else []), "--state-dir", state, *conf]

    @staticmethod
    def write(ini, sections):
        lines = []
        for section, options in sections.items():
            lines += [f"[{section}]", *(f"{k} = {v}" for k, v in options.items())]
        ini.write_text("\n".join(lines) + "\n")


def kcat_read(brokers, topic, begin="beginning"):
    return ["kcat", "-b", brokers, "-C", "-q", "-e", "-o", begin, "-t", topic]


def kcat_write(brokers, topic, path, *options):
    return ["kcat", "-b", brokers, "-P", "-t", topic, *options, "-l", path]


class Rsyslog:
    def __init__(self, folder):
        self.folder = folder

    def command(self, name, source, action, batch=1024, check=False):
        module, text, field = source
        output, action = action
        loaded = [module, output, *(["mmjsonparse"] if check else [])]
        modules = "\n".join(f'module(load="{m}")' for m in loaded if m != "omfile")
        folder = self.folder / f"{name}.state"
        folder.mkdir()
        conf = self.folder / f"{name}.conf"
        conf.write_text(
            RSYSLOG.format(
                folder=folder, modules=modules, field=field, action=action, source=text, batch=batch,
                check=JSON_CHECK if check else "",
            )  # fmt: skip
        )
        return ["rsyslogd", "-n", "-f", conf, "-i", folder / "pid"]

    def from_kafka(self, brokers, topic, group):
        text = (
            f'input(type="imkafka" topic="{topic}" broker="{brokers}" consumerGroup="{group}" parseHostname="off"\n'
            '      confParam=["auto.offset.reset=earliest"] ruleset="lane")'
        )
        return "imkafka", text, "rawmsg"

    def from_file(self, path):
        return "imfile", f'input(type="imfile" file="{path}" tag="t" addMetadata="off" ruleset="lane")', "msg"

    def to_file(self, path):
        return "omfile", f'action(type="omfile" file="{path}" template="line" ioBufferSize="64k")'

    def to_kafka(self, brokers, topic):
        return "omkafka", (
            f'action(type="omkafka" broker="{brokers}" topic="{topic}" template="value"'
            ' partitions.auto="on" resubmitOnFailure="on" keepFailedMessages="on" failedMsgFile="failed"'
            ' closeTimeout="60000" action.resumeRetryCount="-1" action.resumeInterval="1"'
            ' confParam=["queue.buffering.max.messages=1000000"])'
        )

    def to_elasticsearch(self, url, index):
        at = urlsplit(url)
        return "omelasticsearch", (
            f'action(type="omelasticsearch" server="{at.hostname}" '
            f'serverport="{at.port}" searchIndex="{index}" searchType="" template="value" bulkmode="on" '
            'esVersion.major="8" retryfailures="on" action.resumeRetryCount="-1" action.resumeInterval="1")'
        )
