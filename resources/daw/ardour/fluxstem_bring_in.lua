ardour {
	["type"] = "EditorHook",
	name = "Fluxstem: bring in",
	author = "Fluxstem",
	license = "Apache-2.0",
	description = [[The other half of the action "Fluxstem": ten times a second it looks after the jobs, shows in the name of
a track how far they are, and brings the results in. Ardour's window stays free meanwhile.]]
}

function signals () return LuaSignal.Set ():add ({ [LuaSignal.LuaTimerDS] = true }) end

function factory ()
	local FOLDER = ARDOUR.user_config_directory (-1)
	local ASKED, RUNNING = FOLDER .. "/fluxstem-asked", FOLDER .. "/fluxstem-running"
	local BLOCK, BLOCKS_A_TICK = 8192, 16 -- samples of each channel that are written at a time
	local START_LIMIT_S = 60 -- for the program to say anything at all
	local LONGEST_BYTES = 0xfffffff0 -- what a WAV can say

	local jobs = {}  -- in the order they were asked for
	local busy = false -- an import lets other timers run, this one too
	local number = 0

	local function read (path)
		local file = io.open (path, "r")
		if not file then return nil end
		local text = file:read ("a")
		file:close ()
		return text
	end

	local function write (path, text)
		local file = io.open (path .. ".part", "w")
		if not file then return end
		file:write (text)
		file:close ()
		os.rename (path .. ".part", path)
	end

	local function lines_of (text)
		local lines = {}
		for line in (text or ""):gmatch ("[^\n]+") do lines[#lines + 1] = line end
		return lines
	end

	-- Start a program beside Ardour. Ardour's own libraries and plug-in paths are not for it.
	local function start (...)
		os.forkexec ("/usr/bin/env", "-u", "LD_LIBRARY_PATH", "-u", "GTK_PATH", ...)
	end

	local function route_of (id)
		for route in Session:get_routes ():iter () do
			if route:to_stateful ():id ():to_s () == id then return route end
		end
	end

	local function region_of (id)
		for route in Session:get_tracks ():iter () do
			for region in route:to_track ():playlist ():region_list ():iter () do
				if region:to_stateful ():id ():to_s () == id then return region, route end
			end
		end
	end

	local function new_track (name, channels, after)
		local order = after and after:presentation_info_ptr ():order () + 1 or ARDOUR.PresentationInfo.max_order
		for track in Session:new_audio_track (channels, 2, nil, 1, name, order, ARDOUR.TrackMode.Normal, true):iter () do
			return track:to_stateful ():id ():to_s ()
		end
	end

	local function words (job)
		return ("%s of %s (%d %%)"):format (job.prompt, job.name, math.floor (100 * job.fraction))
	end

	local function tell ()
		local lines = {}
		for _, job in ipairs (jobs) do lines[#lines + 1] = job.id .. "\t" .. words (job) .. "\n" end
		write (RUNNING, table.concat (lines))
	end

	-- The region's own samples, all channels, as one 32-bit float WAV; a piece each time it is called.
	local function wav_writer (region, path, channels, length, rate_hz)
		local bytes = length * channels * 4
		if bytes > LONGEST_BYTES then return nil, "it is too long for a WAV" end
		local file = io.open (path, "wb")
		if not file then return nil, "the file " .. path .. " cannot be written" end
		local form = string.pack ("<I4I2I2I4I4I2I2", 16, 3, channels, rate_hz, rate_hz * channels * 4, channels * 4, 32)
		file:write ("RIFF", string.pack ("<I4", bytes + 36), "WAVEfmt ", form, "data", string.pack ("<I4", bytes))
		local sound = region:to_audioregion ():to_readable ()
		local memory = ARDOUR.DSP.DspShm (BLOCK)
		local at = 0
		return function ()
			for _ = 1, BLOCKS_A_TICK do
				local count = math.min (BLOCK, length - at)
				if count == 0 then
					file:close ()
					return true
				end
				local frames = {}
				for channel = 1, channels do
					if sound:read (memory:to_float (0), at, count, channel - 1) ~= count then
						file:close ()
						return nil, "its sound cannot be read"
					end
					local samples = memory:to_float (0):get_table (count)
					for n = 1, count do frames[(n - 1) * channels + channel] = samples[n] end
				end
				for first = 1, #frames, 4096 do
					local last = math.min (first + 4095, #frames)
					file:write (string.pack (("<" .. ("f"):rep (last - first + 1)), table.unpack (frames, first, last)))
				end
				at = at + count
			end
			return false
		end
	end

	-- Each step does a little, and says what comes next: itself, another step, or nil; then why it failed, if it did.
	local send, wait, bring

	local function copy (job)
		if not job.write then
			local region, track = region_of (job.region)
			if not region then return nil, "the region is not there any more" end
			local audio = region:to_audioregion ()
			job.name, job.position, job.channels = region:name (), region:position ():samples (), audio:n_channels ()
			job.after = track:to_stateful ():id ():to_s ()
			local folder = ("%s/fluxstem/%s"):format (Session:path (), job.id)
			os.execute ("mkdir -p '" .. folder:gsub ("'", "'\\''") .. "'")
			job.folder, job.file = folder, folder .. "/" .. job.name:gsub ("[/\\:%c]", "-") .. ".wav"
			local why
			job.write, why = wav_writer (region, job.file, job.channels, region:length ():samples (),
				math.floor (Session:nominal_sample_rate ()))
			if not job.write then return nil, why end
		end
		local done, why = job.write ()
		if why then return nil, why end
		return done and send or copy
	end

	function send (job)
		local after = job.after and route_of (job.after)
		job.track = job.track or new_track ("Fluxstem: " .. job.prompt, job.channels, after)
		job.report = ("%s/fluxstem-%s"):format (FOLDER, job.id)
		local command = { job.program, "send", job.task }
		if job.file then command[#command + 1] = job.file end
		command[#command + 1] = job.prompt
		for _, word in ipairs { "--id", job.id, "--report", job.report } do command[#command + 1] = word end
		local set = { replacement = job.with, seconds = job.seconds }
		if job.start then set.start, set["end"] = job.start .. "smp", job["end"] .. "smp" end
		for name, value in pairs (set) do
			command[#command + 1] = "--set"
			command[#command + 1] = name .. "=" .. value
		end
		start (table.unpack (command))
		job.began = os.time ()
		return wait
	end

	function wait (job)
		local track = route_of (job.track)
		if not track then -- the user has deleted it: that is a way to cancel, too
			start (job.program, "send", "cancel", job.id)
			return nil
		end
		local report = lines_of (read (job.report))
		if #report == 0 and os.time () - job.began > START_LIMIT_S then
			return nil, job.program .. " did not start; is it the right program?"
		end
		local state = (report[1] or ""):match ("^%a+")
		if state == "running" then
			job.fraction = tonumber (report[1]:match ("^running ([%d.]+)")) or job.fraction
			local shown = ("%s %d %%"):format (job.prompt, math.floor (100 * job.fraction))
			if shown ~= job.shown then
				track:set_name (shown)
				job.shown = shown
				tell ()
			end
		elseif state == "fail" then
			return nil, not job.cancelled and (report[2] or "nobody says why") or nil
		elseif state == "done" then
			if job.cancelled then return nil end
			job.files = { table.unpack (report, 2) }
			return bring
		end
		return wait
	end

	local function import (file, track, position)
		local files = C.StringVector ()
		files:push_back (file)
		Editor:do_import (files, Editing.ImportDistinctFiles, Editing.ImportToTrack, ARDOUR.SrcQuality.SrcBest,
			ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
			Temporal.timepos_t (position), ARDOUR.PluginInfo (), track:to_track (), false)
	end

	-- Stem and rest sum to what was heard when they have the gain of their region.
	local function dress (track, region)
		local old = region:to_audioregion ()
		for new in track:to_track ():playlist ():region_list ():iter () do
			new:to_audioregion ():set_scale_amplitude (old:scale_amplitude ())
		end
	end

	function bring (job)
		local region, source_track
		if job.region then region, source_track = region_of (job.region) end
		local position = region and region:position ():samples () or job.position
		local shown = { job.prompt, "rest of " .. job.name }
		if job.task == "remove" then shown = { job.name .. " without " .. job.prompt, job.prompt } end
		if job.task == "replace" then shown = { job.name .. " with " .. job.with, job.with, "rest of " .. job.name } end
		if job.task == "arrange" then shown = { "mix" } end
		local last = job.rest == "1" and #job.files or 1
		local after = route_of (job.track)
		for place = 1, last do
			local name = shown[place] or (job.prompt .. " " .. place)
			local id = place == 1 and job.track or new_track (name, job.channels, after)
			local track = route_of (id)
			import (job.files[place], track, position)
			track:set_name (name)
			if region then dress (track, region) end
			after = track
		end
		if region and job.mute == "1" then region:set_muted (true) end
		return nil
	end

	local function finish (job, why)
		os.remove (job.report or "")
		os.remove (job.file or "")
		os.remove (job.folder or "")
		if job.files then return end
		local track = job.track and route_of (job.track)
		if track and Session.remove_route then
			Session:remove_route (track)
		elseif track then -- Ardour 7 gives scripts no way to remove a track
			track:set_name (job.prompt .. (job.cancelled and " cancelled" or " failed"))
		end
		if why then
			LuaDialog.Message ("Fluxstem", ("%s: %s"):format (job.name, why), LuaDialog.MessageType.Error,
				LuaDialog.ButtonType.Close):run ()
		end
	end

	local function take (line, job)
		if line == "job" then
			number = number + 1
			job = { id = ("ardour-%d-%d"):format (os.time (), number), fraction = 0, channels = 2, name = "new", step = copy }
			jobs[#jobs + 1] = job
		elseif job then
			local name, value = line:match ("^(%S+)\t(.*)$")
			job[name] = value
			if name == "position" then job.position, job.step = math.floor (tonumber (value)), send end
		end
		return job
	end

	local function listen ()
		local lines = lines_of (read (ASKED))
		if #lines == 0 then return end
		os.remove (ASKED)
		if lines[1] == "cancel" then
			for _, job in ipairs (jobs) do
				if job.id == lines[2] then
					job.cancelled = true
					if job.step == wait then start (job.program, "send", "cancel", job.id) end
				end
			end
			return
		end
		local job
		for _, line in ipairs (lines) do job = take (line, job) end
		tell ()
	end

	local function work ()
		listen ()
		local job = jobs[1]
		if not job then return end
		local why
		if job.cancelled and job.step ~= wait and job.step ~= bring then
			job.step = nil
		else
			job.step, why = job.step (job)
		end
		if not job.step then
			table.remove (jobs, 1)
			tell ()
			finish (job, why)
		end
	end

	write (RUNNING, "")
	return function ()
		if busy then return end
		busy = true
		local fine, why = pcall (work) -- Ardour drops a hook that raises an error
		busy = false
		if not fine then
			local job = table.remove (jobs, 1)
			tell ()
			LuaDialog.Message ("Fluxstem", ("%s: %s"):format (job and job.name or "hook", tostring (why)),
				LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
		end
	end
end
