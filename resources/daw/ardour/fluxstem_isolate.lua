ardour {
	["type"] = "EditorAction",
	name = "Fluxstem: isolate",
	author = "Fluxstem",
	license = "Apache-2.0",
	description = [[Take a named stem out of each selected region; it comes back on a new track, where the region is.
Needs a running bridge (fluxstem bridge) and the command fluxstem on the path.]]
}

function factory () return function ()

	-- One word for the shell. On Windows a quote cannot be made safe, so it is refused there.
	local function quoted (text)
		if package.config:sub (1, 1) == "\\" then
			if text:find ('["%%!^&|<>]') then return nil end
			return '"' .. text .. '"'
		end
		return "'" .. text:gsub ("'", "'\\''") .. "'"
	end

	local answer = LuaDialog.Dialog ("Isolate", {
		{ type = "entry", key = "prompt", default = "bass", title = "What to take out" },
		{ type = "checkbox", key = "rest", default = false, title = "Bring the rest back too" },
	}):run ()
	if not answer or answer["prompt"] == "" then return end

	local rate = Session:nominal_sample_rate ()
	local function ask (region)
		local source = region:source (0):to_filesource ()
		if source:isnil () then return nil, "it has no file" end
		local from = region:start ():samples () / rate
		local to = from + region:length ():samples () / rate
		local path, prompt = quoted (source:path ()), quoted (answer["prompt"])
		if not path or not prompt then return nil, "a quote or a sign the shell would obey is in a name" end
		local command = string.format (
			"fluxstem send isolate %s %s --set start=%.6f --set end=%.6f --wait", path, prompt, from, to)
		local pipe = io.popen (command .. " 2>&1")
		local lines = {}
		for line in pipe:lines () do lines[#lines + 1] = line end
		if not pipe:close () then return nil, lines[#lines] or "fluxstem send did not answer" end
		return lines
	end

	local regions = Editor:get_selection ().regions:regionlist ()
	for region in regions:iter () do
		local lines, why = ask (region)
		if not lines then
			LuaDialog.Message ("Fluxstem", region:name () .. ": " .. why,
				LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
			return
		end
		local files = C.StringVector ()
		files:push_back (lines[1])
		if answer["rest"] then files:push_back (lines[2]) end
		Editor:do_import (files,
			Editing.ImportDistinctFiles, Editing.ImportAsTrack, ARDOUR.SrcQuality.SrcBest,
			ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
			region:position (), ARDOUR.PluginInfo (), ARDOUR.Track (), false)
	end
end end
