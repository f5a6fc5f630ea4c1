// Ask the Fluxstem bridge from SuperCollider. Start it first: fluxstem bridge
//   f = Fluxstem.new;
//   f.isolate("/music/clip.wav", "bass", { |stem, rest| b = Buffer.read(s, stem) });
Fluxstem {
	var <address, waiting, responders;

	*new { |host = "127.0.0.1", port = 11100|
		^super.new.init(host, port)
	}

	init { |host, port|
		address = NetAddr(host, port);
		waiting = IdentityDictionary.new;
		responders = [\progress, \done, \fail, \cancelled].collect { |name|
			OSCFunc({ |message| this.heard(name, message) }, "/fluxstem/" ++ name, address)
		};
	}

	// The six tasks. onDone gets the paths, onFail a sentence, onProgress a number from 0 to 1 and a word.
	isolate { |path, prompt, onDone, onFail, onProgress| ^this.ask(\isolate, [path, prompt], onDone, onFail, onProgress) }
	remove { |path, prompt, onDone, onFail, onProgress| ^this.ask(\remove, [path, prompt], onDone, onFail, onProgress) }
	regenerate { |path, prompt, onDone, onFail, onProgress|
		^this.ask(\regenerate, [path, prompt], onDone, onFail, onProgress)
	}
	generate { |prompt, seconds = 10, onDone, onFail, onProgress|
		^this.ask(\generate, [prompt, seconds], onDone, onFail, onProgress)
	}
	inpaint { |path, prompt, start, end, onDone, onFail, onProgress|
		^this.ask(\inpaint, [path, prompt, start, end], onDone, onFail, onProgress)
	}
	extend { |path, prompt, seconds = 5, onDone, onFail, onProgress|
		^this.ask(\extend, [path, prompt, seconds], onDone, onFail, onProgress)
	}

	ask { |task, arguments, onDone, onFail, onProgress|
		var id = ("sc-" ++ Date.getDate.rawSeconds.asInteger ++ "-" ++ 1000000.rand).asSymbol;
		waiting[id] = (done: onDone, fail: onFail, progress: onProgress);
		address.sendMsg("/fluxstem/" ++ task, id, *arguments);
		^id
	}

	cancel { |id| address.sendMsg("/fluxstem/cancel", id) }

	// Say it again after a restart of the bridge, or when a packet was lost.
	result { |id| address.sendMsg("/fluxstem/result", id) }

	heard { |name, message|
		var id = message[1].asSymbol, job = waiting[id];
		job.isNil.if { ^this };
		(name == \progress).if { job[\progress].value(message[2], message[3]); ^this };
		waiting.removeAt(id);
		(name == \done).if {
			job[\done].valueArray(message[3 .. 2 + message[2]].collect(_.asString))
		} {
			job[\fail].value((message[3] ? "cancelled").asString)
		}
	}

	free { responders.do(_.free) }
}
