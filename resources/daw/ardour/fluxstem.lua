ardour {
	["type"] = "EditorAction",
	name = "Fluxstem",
	author = "Fluxstem",
	license = "Apache-2.0",
	description = [[Take a stem out of the selected regions, change them, or make a new part. The results come on new tracks at
the place of the region; a track on its way shows how far it is. Call it again to cancel.
Needs a running bridge (fluxstem bridge) and the hook "Fluxstem: bring in".]]
}

function factory () return function ()

	local FOLDER = ARDOUR.user_config_directory (-1)
	local ASKED, RUNNING = FOLDER .. "/fluxstem-asked", FOLDER .. "/fluxstem-running"
	local PROGRAM = FOLDER .. "/fluxstem-program"
	local HOOK_LIMIT_S = 4

	-- task: what the region is to it; "region" is sent, "none" needs no region; words asked besides the prompt
	local TASKS = {
		isolate = { takes = "region" }, remove = { takes = "region" }, regenerate = { takes = "region" },
		restyle = { takes = "region" }, replace = { takes = "region", with = true },
		inpaint = { takes = "region", range = true }, extend = { takes = "region", seconds = true },
		generate = { takes = "none", seconds = true }, arrange = { takes = "none", seconds = true },
	}

	local function message (text, kind)
		LuaDialog.Message ("Fluxstem", text, kind or LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
	end

	local function read (path)
		local file = io.open (path, "r")
		if not file then return nil end
		local text = file:read ("a")
		file:close ()
		return text
	end

	local function write (path, text)
		local file = io.open (path .. ".part", "w")
		if not file then return false end
		file:write (text)
		file:close ()
		return os.rename (path .. ".part", path)
	end

	local function exists (path)
		local file = path and path ~= "" and io.open (path, "r")
		if file then file:close () end
		return file and true or false
	end

	-- The command fluxstem: the one that was given before, else where installers put it, else the user is asked, once.
	local function program ()
		local known = (read (PROGRAM) or ""):match ("[^\n]+")
		if exists (known) then return known end
		local home = os.getenv ("HOME") or ""
		local places = { home .. "/.local/bin", "/opt/homebrew/bin", "/usr/local/bin", "/usr/bin" }
		for place in (os.getenv ("PATH") or ""):gmatch ("[^:]+") do places[#places + 1] = place end
		for _, place in ipairs (places) do
			if exists (place .. "/fluxstem") then return place .. "/fluxstem" end
		end
		local answer = LuaDialog.Dialog ("Where is fluxstem?", {
			{ type = "label", title = "The program fluxstem was not found. In a terminal, `which fluxstem` tells where it is." },
			{ type = "entry", key = "path", default = home .. "/.local/bin/fluxstem", title = "fluxstem" },
		}):run ()
		if not answer then return nil end
		if not exists (answer["path"]) then
			message ("There is no file " .. answer["path"] .. ".")
			return nil
		end
		write (PROGRAM, answer["path"] .. "\n")
		return answer["path"]
	end

	-- Jobs under way, as the hook writes them: one in a line, id and words.
	local function running ()
		local jobs, count = { ["Start a new job"] = "" }, 0
		for id, words in (read (RUNNING) or ""):gmatch ("(%S+)\t([^\n]*)\n") do
			jobs["Cancel " .. words] = id
			count = count + 1
		end
		return jobs, count
	end

	-- Hand lines to the hook, and wait until it has taken them; the dialog keeps the window alive meanwhile.
	local function hand_over (lines)
		os.remove (ASKED)
		if not write (ASKED, table.concat (lines, "\n") .. "\n") then
			return message ("The file " .. ASKED .. " cannot be written.")
		end
		local window = LuaDialog.ProgressWindow ("Fluxstem", true)
		local began = os.time ()
		while exists (ASKED) and os.time () - began < HOOK_LIMIT_S and not window:canceled () do
			window:progress (0, "Handing over")
			ARDOUR.LuaAPI.usleep (30000)
		end
		window:done ()
		window = nil
		collectgarbage ()
		if exists (ASKED) then
			os.remove (ASKED)
			message ('The hook "Fluxstem: bring in" is not on. Turn it on once: Edit > Lua Scripts > Script Manager > ' ..
				"Action Hooks > New Hook.")
		end
	end

	if not os.forkexec then
		return message ("This script starts a program beside Ardour, which Ardour cannot do on Windows.")
	end

	local jobs, count = running ()
	local rows = {}
	if count > 0 then
		rows[#rows + 1] = { type = "dropdown", key = "job", title = "Jobs", values = jobs, default = "Start a new job" }
	end
	local tasks = {}
	for task in pairs (TASKS) do tasks[task] = task end
	rows[#rows + 1] = { type = "dropdown", key = "task", title = "Task", values = tasks, default = "isolate" }
	rows[#rows + 1] = { type = "entry", key = "prompt", default = "bass", title = "What" }
	rows[#rows + 1] = { type = "entry", key = "with", default = "", title = "With what (replace)" }
	rows[#rows + 1] = { type = "number", key = "seconds", min = 1, max = 600, default = 10,
		title = "Seconds (generate, arrange, extend)" }
	rows[#rows + 1] = { type = "checkbox", key = "rest", default = true, title = "Bring the rest too" }
	rows[#rows + 1] = { type = "checkbox", key = "mute", default = false,
		title = "Mute the region when its stems are there" }
	local answer = LuaDialog.Dialog ("Fluxstem", rows):run ()
	collectgarbage ()
	if not answer then return end
	if count > 0 and answer["job"] ~= "" then return hand_over ({ "cancel", answer["job"] }) end

	local task = answer["task"]
	local rule = TASKS[task]
	if not answer["prompt"]:find ("%S") then return message ("Say in a few words what you want, such as bass.") end
	if rule.with and not answer["with"]:find ("%S") then
		return message ("Say what to put in its place, such as trumpet.")
	end
	local command = program ()
	if not command then return end

	local function job (place)
		local lines = { "job", "program\t" .. command, "task\t" .. task, "prompt\t" .. answer["prompt"]:gsub ("%c", " ") }
		if rule.with then lines[#lines + 1] = "with\t" .. answer["with"]:gsub ("%c", " ") end
		if rule.seconds then lines[#lines + 1] = ("seconds\t%g"):format (answer["seconds"]) end
		lines[#lines + 1] = "rest\t" .. (answer["rest"] and "1" or "0")
		lines[#lines + 1] = "mute\t" .. (answer["mute"] and "1" or "0")
		for name, value in pairs (place) do lines[#lines + 1] = name .. "\t" .. value end
		return table.concat (lines, "\n")
	end

	local selection = Editor:get_selection ()
	if rule.takes == "none" then
		return hand_over ({ job ({ position = Session:transport_sample () }) })
	end
	local asked = {}
	for region in selection.regions:regionlist ():iter () do
		if region:to_audioregion ():isnil () then
			return message (region:name () .. " is no audio region.")
		end
		local place = { region = region:to_stateful ():id ():to_s () }
		if rule.range then
			if selection.time:empty () then return message ("Select a range inside the region: that is the gap to fill.") end
			local at = region:position ():samples ()
			place.start = math.max (0, selection.time:start_sample () - at)
			place["end"] = math.min (region:length ():samples (), selection.time:end_sample () - at)
			if place.start >= place["end"] then return message ("The selected range is not inside " .. region:name () .. ".") end
		end
		asked[#asked + 1] = job (place)
	end
	if #asked == 0 then return message ("Select the audio regions first.") end
	hand_over (asked)
end end
