// Ask the Fluxstem bridge from SuperCollider. Start it first: fluxstem bridge
//   f = Fluxstem.new;
//   f.isolate("/music/clip.wav", "bass", { |stem, rest| b = Buffer.read(s, stem) });
//   f.isolate("/music/clip.wav", "bass", options: (start: "480000smp", end: "960000smp", seed: 3));
Fluxstem {
	classvar <repeatSeconds = 1, <repeats = 30;
	var <address, <>token, waiting, responders;

	*new { |host = "127.0.0.1", port = 11100, token|
		^super.new.init(host, port, token ?? { this.ownToken })
	}

	// The token of your own bridge, as it stands in its folder; nil where there is none.
	*ownToken {
		var folder = Platform.case(
			\osx, { "~/Library/Application Support/fluxstem".standardizePath },
			\windows, { ("LOCALAPPDATA".getenv ? "") +/+ "fluxstem" },
			{
				var data = "XDG_DATA_HOME".getenv ? "";
				data.isEmpty.if { data = "~/.local/share".standardizePath };
				data +/+ "fluxstem"
			}
		);
		var path = folder +/+ "bridge" +/+ "token";
		^File.exists(path).if { File.readAllString(path).stripWhiteSpace }
	}

	init { |host, port, secret|
		address = NetAddr(host, port);
		token = secret;
		waiting = IdentityDictionary.new;
		responders = [\ack, \progress, \done, \fail, \cancelled].collect { |name|
			OSCFunc({ |message| this.heard(name, message) }, "/fluxstem/" ++ name, address)
		};
	}

	// The nine tasks. onDone gets the paths, onFail a sentence, onProgress a number from 0 to 1 and a word. Options are
	// those of OSC.md by name: an Event such as (start: 2.5, end: 4, seed: 3). Each call gives back the id of its job.
	isolate { |path, prompt, onDone, onFail, onProgress, options|
		^this.ask(\isolate, [path, prompt], onDone, onFail, onProgress, options)
	}
	remove { |path, prompt, onDone, onFail, onProgress, options|
		^this.ask(\remove, [path, prompt], onDone, onFail, onProgress, options)
	}
	regenerate { |path, prompt, onDone, onFail, onProgress, options|
		^this.ask(\regenerate, [path, prompt], onDone, onFail, onProgress, options)
	}
	restyle { |path, prompt, onDone, onFail, onProgress, options|
		^this.ask(\restyle, [path, prompt], onDone, onFail, onProgress, options)
	}
	replace { |path, prompt, replacement, onDone, onFail, onProgress, options|
		^this.ask(\replace, [path, prompt, replacement], onDone, onFail, onProgress, options)
	}
	inpaint { |path, prompt, start, end, onDone, onFail, onProgress, options|
		^this.ask(\inpaint, [path, prompt, start, end], onDone, onFail, onProgress, options)
	}
	extend { |path, prompt, seconds = 5, onDone, onFail, onProgress, options|
		^this.ask(\extend, [path, prompt, seconds], onDone, onFail, onProgress, options)
	}
	generate { |prompt, seconds = 10, onDone, onFail, onProgress, options|
		^this.ask(\generate, [prompt, seconds], onDone, onFail, onProgress, options)
	}
	// Prompts are an Array of Strings, or one String with ; between them.
	arrange { |prompts, seconds = 10, onDone, onFail, onProgress, options|
		var text = prompts.isString.if { prompts } { prompts.join("; ") };
		^this.ask(\arrange, [text, seconds], onDone, onFail, onProgress, options)
	}

	ask { |task, arguments, onDone, onFail, onProgress, options|
		var id = ("sc-" ++ Date.getDate.rawSeconds.asInteger ++ "-" ++ 1000000000.rand).asSymbol;
		var named = (options ? ()).asAssociations.collect { |option| option.key.asString ++ "=" ++ option.value };
		waiting[id] = (done: onDone, fail: onFail, progress: onProgress, tries: 0,
			message: ["/fluxstem/" ++ task, id] ++ arguments ++ named);
		this.say(id);
		^id
	}

	// UDP may lose a packet; the same id with the same arguments is the same job, so it is said again until it is heard.
	say { |id|
		var job = waiting[id];
		(job.isNil or: { job[\heard] == true }).if { ^this };
		(job[\tries] >= repeats).if {
			waiting.removeAt(id);
			job[\fail].value("no bridge answers at % port %; start one with: fluxstem bridge".format(
				address.ip, address.port));
			^this
		};
		job[\tries] = job[\tries] + 1;
		this.prove;
		address.sendMsg(*job[\message]);
		SystemClock.sched(repeatSeconds, { this.say(id); nil });
	}

	prove { token !? { address.sendMsg("/fluxstem/auth", "", token) } }

	cancel { |id| this.prove; address.sendMsg("/fluxstem/cancel", id) }

	// How a job of yours stands, for example after a restart of the bridge.
	result { |id| this.prove; address.sendMsg("/fluxstem/result", id) }

	heard { |name, message|
		var id = message[1].asSymbol, job = waiting[id];
		job.isNil.if { ^this };
		job[\heard] = true;
		(name == \ack).if { ^this };
		(name == \progress).if { job[\progress].value(message[2], message[3]); ^this };
		waiting.removeAt(id);
		(name == \done).if {
			job[\done].valueArray(message[3 .. 2 + message[2]].collect(_.asString))
		} {
			job[\fail].value((message[3] ? "cancelled").asString)
		}
	}

	free { responders.do(_.free); waiting.clear; address.sendMsg("/fluxstem/bye") }
}
